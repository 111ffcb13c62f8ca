//! The cases: what a call of each is, to the product and to the servers themselves.

mod choice;
mod crowd;
pub(crate) mod messages;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod starts;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rand::{SeedableRng as _, rngs::StdRng};

use self::crowd::Crowd;
use self::sessions::{CreateSession, GetSession, ListSessions};
use crate::{clients::Clients, data::Data, replay::Inputs, report::Target};

/// What a call is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) user_id: i64,
    pub(crate) agent_id: i64,
    pub(crate) session_id: i64,
    /// Of a listing, from 1.
    pub(crate) page: i32,
    /// A title, a question or words to search for.
    pub(crate) text: String,
}

impl Subject {
    fn user(&self) -> Inputs {
        Inputs::default().number("user_id", self.user_id)
    }

    fn agent(&self) -> Inputs {
        self.user().number("agent_id", self.agent_id)
    }

    fn session(&self) -> Inputs {
        self.user().number("session_id", self.session_id)
    }
}

/// Whose turn it is, and what chance it has.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) random: StdRng,
    /// The caller's number, from 0.
    pub(crate) caller: usize,
}

impl Turn {
    /// The same caller makes the same choices each time.
    pub(crate) fn of(caller: usize) -> Self {
        Self { random: StdRng::seed_from_u64(caller as u64), caller }
    }
}

/// How many bytes the messages of a call have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) request: usize,
    pub(crate) response: usize,
}

/// One kind of call, and what it is measured against.
#[async_trait]
pub(crate) trait Case: Send + Sync {
    /// As in the results, in lower case with underscores.
    fn name(&self) -> &'static str;

    /// How many calls are in flight.
    fn callers(&self) -> usize {
        16
    }

    /// What its figures have to keep to.
    fn targets(&self) -> &'static [Target] {
        &[]
    }

    /// How long the product works on after an answer, on what belongs to the call.
    fn aftermath(&self) -> Duration {
        Duration::ZERO
    }

    /// Chooses what the next call is about, with the skew of real use.
    fn pick(&self, data: &Data, turn: &mut Turn) -> Subject;

    /// What differs from call to call, as the bare loop's script takes it.
    fn inputs(&self, subject: &Subject) -> Inputs;

    /// Makes the call. Fails unless the answer is what it has to be.
    async fn call(&self, clients: &Clients, subject: &Subject) -> anyhow::Result<Exchange>;
}

pub(crate) type Cases = Vec<Arc<dyn Case>>;

/// Those that are measured each by itself, against the bare loop and the echo.
pub(crate) fn all() -> Cases {
    let mut cases: Cases = Vec::new();
    for listing in messages::ALL {
        cases.push(Arc::new(listing));
    }
    for listing in [ListSessions::Plain, ListSessions::Filtered, ListSessions::Searched] {
        cases.push(Arc::new(listing));
    }
    cases.push(Arc::new(GetSession));
    cases.push(Arc::new(CreateSession));
    for search in search::ALL {
        cases.push(Arc::new(search));
    }
    cases
}

/// The same case with another number of callers.
pub(crate) fn with_callers(case: &Arc<dyn Case>, callers: usize) -> Arc<dyn Case> {
    Arc::new(Crowd { case: Arc::clone(case), callers })
}
