//! What it takes to answer a question.

use std::{sync::Arc, time::Duration};

use bootstrap::report;
use data_source::Source;
use model::{Prompt, Provider, Tried};
use sources::Snapshot;
use storage::{
    agents::{self, WithSource},
    data_sources,
    entity::{agent, run},
    memory,
    search::{self, Elsewhere, Meaning},
    summaries::UNSUMMED_MESSAGES,
};
use tokio::time;

use crate::{Error, Worker, privacy::Gate};

/// How many turns of the conversation a model is told of word by word.
const RECENT_TURNS: i64 = UNSUMMED_MESSAGES / 2;
/// How many turns of other conversations.
const RELATED_TURNS: u16 = 5;
/// How long a run waits for what is only helpful.
const RELATED_PATIENCE: Duration = Duration::from_secs(3);

/// An agent and its surroundings, as they are when a run begins.
pub(super) struct Context {
    pub agent: agent::Model,
    pub source: Source,
    /// What the model sees of the data source.
    pub snapshot: Snapshot,
    pub provider: Arc<dyn Provider>,
    pub gate: Gate,
    question: String,
    summary: String,
    recent: Vec<model::Turn>,
    related: Vec<model::Turn>,
}

impl Context {
    pub(super) async fn load(worker: &Worker, run: &run::Model) -> Result<Self, Error> {
        let (with_source, before) = tokio::join!(
            agents::get_with_source(&worker.db, run.user_id, run.agent_id),
            memory::of_session(&worker.db, run.chat_session_id, RECENT_TURNS),
        );
        let (WithSource { agent, source: row }, before) = (with_source?, before?);
        let provider = worker.models.get(&agent.model)?;
        let gate = Gate::new(agent.privacy_mode, provider.is_local());
        let source = worker.sources.source(&row)?;
        let related = async {
            match provider.is_local() {
                true => Vec::new(),
                false => related(worker, run, gate).await,
            }
        };
        let (snapshot, related) =
            tokio::join!(worker.sources.schema_of_agent(&agent, &row), related);
        let snapshot = snapshot?;
        let is_seen = before.summary_cells.is_some_and(|cells| gate.lets(cells));
        Ok(Self {
            agent,
            source,
            snapshot,
            provider,
            gate,
            question: run.question.clone(),
            summary: if is_seen { before.summary } else { String::new() },
            recent: before.turns.into_iter().map(|turn| gate.turn(turn)).collect(),
            related,
        })
    }

    pub(super) fn prompt<'a>(&'a self, tried: &'a [Tried]) -> Prompt<'a> {
        Prompt {
            question: &self.question,
            instructions: &self.agent.instructions,
            schema: &self.snapshot.schema,
            summary: &self.summary,
            related: &self.related,
            recent: &self.recent,
            tried,
        }
    }

    /// Reads the schema anew; tells whether it has changed.
    pub(super) async fn refresh_schema(&mut self, worker: &Worker) -> Result<bool, Error> {
        let (user_id, id) = (self.agent.user_id, self.agent.data_source_id);
        let row = data_sources::get(&worker.db, user_id, id).await?;
        worker.sources.read_schema(&row).await?;
        let row = data_sources::get(&worker.db, user_id, id).await?;
        let snapshot = worker.sources.schema_of_agent(&self.agent, &row).await?;
        let has_changed = snapshot.schema != self.snapshot.schema;
        self.snapshot = snapshot;
        Ok(has_changed)
    }
}

/// Turns of other conversations that resemble the question. A run goes on without
/// them if they are not to be had in time.
async fn related(worker: &Worker, run: &run::Model, gate: Gate) -> Vec<model::Turn> {
    let finding = async {
        let question = std::slice::from_ref(&run.question);
        let embedder = &worker.embedder;
        let embedding = embedder.embed(question, RELATED_PATIENCE).await?.swap_remove(0);
        let meaning = Meaning { model: embedder.model.clone(), embedding };
        let elsewhere = Elsewhere {
            user_id: run.user_id,
            agent_id: run.agent_id,
            session_id: run.chat_session_id,
            limit: RELATED_TURNS,
        };
        Ok::<_, Error>(search::related(&worker.db, elsewhere, &meaning).await?)
    };
    match time::timeout(RELATED_PATIENCE, finding).await {
        Ok(Ok(turns)) => turns.into_iter().map(|turn| gate.turn(turn)).collect(),
        Ok(Err(error)) => {
            tracing::warn!(error = %report(&error), "no related turns");
            Vec::new()
        }
        Err(_) => {
            tracing::warn!("related turns were not found in time");
            Vec::new()
        }
    }
}
