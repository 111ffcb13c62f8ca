use std::{
    fmt,
    sync::{Mutex, MutexGuard},
};

use data_source::Rows;
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use model::{
    Builtin, Conversation, Error, Piece, Plan, Planned, Prompt, Provider, Summarized, Usage,
};

type Planning = dyn Fn(&Prompt<'_>) -> Plan + Send + Sync;

/// A model on somebody else's computer: it plans as a test tells it to, and notes
/// whatever it gets to see.
pub(crate) struct Analyst {
    plan: Box<Planning>,
    seen: Mutex<Vec<Seen>>,
}

/// What was sent in one call, as it prints.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    Plan(String),
    Answer(String),
    Summarize(String),
    Embed(String),
}

impl Seen {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Plan(text) | Self::Answer(text) | Self::Summarize(text) | Self::Embed(text) => {
                text
            }
        }
    }
}

impl Analyst {
    /// What it says of every result.
    pub(crate) const ANSWER: &str = "The analyst has spoken.";
    /// What each call of it costs.
    pub(crate) const USAGE: Usage = Usage { prompt_tokens: 100, completion_tokens: 7 };

    pub(crate) fn shared(
        plan: impl Fn(&Prompt<'_>) -> Plan + Send + Sync + 'static,
    ) -> &'static Self {
        Box::leak(Box::new(Self { plan: Box::new(plan), seen: Mutex::default() }))
    }

    /// One that plans the question itself.
    pub(crate) fn obedient() -> &'static Self {
        Self::shared(|prompt| Plan::Query(prompt.question.to_owned()))
    }

    /// Everything that it has seen so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.notes().clone()
    }

    /// What it has seen when it was asked to plan.
    pub(crate) fn plans(&self) -> Vec<String> {
        let seen = self.seen().into_iter();
        seen.filter_map(|it| if let Seen::Plan(text) = it { Some(text) } else { None }).collect()
    }

    fn note(&self, seen: Seen) {
        self.notes().push(seen);
    }

    fn notes(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().expect("no test panics here")
    }
}

impl fmt::Debug for Analyst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Analyst")
    }
}

#[async_trait::async_trait]
impl Provider for &'static Analyst {
    fn is_local(&self) -> bool {
        false
    }

    async fn plan(&self, prompt: &Prompt<'_>) -> Result<Planned, Error> {
        self.note(Seen::Plan(format!("{prompt:?}")));
        Ok(Planned { plan: (self.plan)(prompt), usage: Analyst::USAGE })
    }

    fn answer<'a>(
        &'a self,
        prompt: &'a Prompt<'a>,
        sql: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        self.note(Seen::Answer(format!("{prompt:?} {sql} {rows:?}")));
        let pieces = [Piece::Text(Analyst::ANSWER.to_owned()), Piece::Usage(Analyst::USAGE)];
        stream::iter(pieces.map(Ok)).boxed()
    }

    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error> {
        self.note(Seen::Summarize(format!("{conversation:?}")));
        Ok(Summarized {
            summary: format!("{} turns, after: {}", conversation.turns.len(), conversation.summary),
            title: "A conversation".to_owned(),
            usage: Analyst::USAGE,
        })
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        self.note(Seen::Embed(format!("{texts:?}")));
        Builtin.embed(texts).await
    }
}
