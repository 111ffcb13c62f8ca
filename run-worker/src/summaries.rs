//! Titles and summaries of conversations, in the background.

use std::time::Duration;

use model::{Call, Conversation, Usage};
use storage::{
    SessionId, agents,
    background::{self, Kind, Task},
    summaries::{self, Summary, UNSUMMED_MESSAGES, Unsummed},
};
use tokio::time;
use tracing::{Span, field::Empty};

use crate::{Error, Worker, privacy::Gate};

/// How many messages a summary leaves out when it is made, so that it is not made
/// anew for every turn.
const KEPT_MESSAGES: i64 = UNSUMMED_MESSAGES / 2;
/// How many messages are summed up at a time.
const MAX_MESSAGES: i64 = 100;

/// How many sessions are summed up at once, each by itself.
pub(crate) const BATCH: u16 = 4;

/// How long a provider may take for one.
const PATIENCE: Duration = Duration::from_secs(90);

/// Sums sessions up.
pub(crate) async fn summarize(worker: Worker, tasks: Vec<Task>) -> Result<(), Error> {
    for task in tasks {
        worker.summarize(SessionId(task.subject_id)).await?;
    }
    Ok(())
}

impl Worker {
    /// Gives a session the title and the summary that it lacks. One that was deleted
    /// needs none.
    #[tracing::instrument(
        name = "session.summarize",
        skip_all,
        fields(otel.kind = "consumer", session.id = %id, trace_id = Empty)
    )]
    async fn summarize(&self, id: SessionId) -> Result<(), Error> {
        trace_context::begin(&Span::current(), None);
        let Some(session) = summaries::find(&self.db, id).await? else { return Ok(()) };
        let agent = agents::get_any(&self.db, session.user_id, session.agent_id).await?;
        let provider = self.models.get(&agent.model)?;
        let gate = Gate::new(agent.privacy_mode, provider.is_local());

        let (after, summary) = match gate.lets(session.summary_cells) {
            true => (session.summary_until_sequence, session.context_summary.as_str()),
            // What the provider may not see any more is summed up from the start.
            false => (0, ""),
        };
        if session.is_titled && !is_long(&session, after) {
            return Ok(());
        }
        let until = until(&session, after);
        let turns = summaries::turns(&self.db, id, after, until).await?;
        let turns: Vec<_> = turns.into_iter().map(|turn| gate.turn(turn)).collect();
        if turns.is_empty() {
            return Ok(());
        }
        let conversation = Conversation { summary, turns: &turns };
        let call = Call::chat(&agent.model);
        let summarizing = async {
            let summarized = time::timeout(PATIENCE, provider.summarize(&conversation)).await;
            summarized.map_err(|late| model::Error::Unreachable(late.into()))?
        };
        let summarized = call.follow(summarizing).await?;
        call.spent(summarized.usage);
        log_usage(id, summarized.usage);
        if !session.is_titled && !summarized.title.is_empty() {
            summaries::store_title(&self.db, id, summarized.title).await?;
        }
        let cells = gate.most();
        let summary = Summary { text: summarized.summary, until_sequence: until, cells };
        summaries::store(&self.db, &session, summary).await?;
        if is_long(&session, until) {
            background::again(&self.db, Kind::Summarize, id.0).await?;
        }
        Ok(())
    }
}

fn log_usage(id: SessionId, usage: Usage) {
    let Usage { prompt_tokens, completion_tokens } = usage;
    tracing::info!(session.id = %id, prompt_tokens, completion_tokens, "a session was summed up");
}

/// Whether too much of a session is missing from a summary.
fn is_long(session: &Unsummed, after: i64) -> bool {
    UNSUMMED_MESSAGES < session.total_messages - after
}

/// Up to which message a session is summed up; if it is not long, that is all of it.
fn until(session: &Unsummed, after: i64) -> i64 {
    let all = session.total_messages;
    let until = if is_long(session, after) { all - KEPT_MESSAGES } else { all };
    until.min(after + MAX_MESSAGES)
}
