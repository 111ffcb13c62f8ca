//! Watching a run that has ended, to its first event.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use prost::Message as _;
use proto::v1::WatchRunRequest;
use rand::Rng as _;
use tokio_postgres::NoTls;

use crate::{
    cases::{Case, Exchange, Subject, Turn},
    clients::Clients,
    data::Data,
    replay::Inputs,
    report::{Figure, Row},
    setup::Setup,
};

pub(crate) const NAME: &str = "watch_run_ended";

pub(crate) fn unmeasured() -> Vec<Row> {
    vec![Row::unmeasured(format!("{NAME}_{}", Figure::Cpu.name()), None)]
}

/// Runs that have ended: each gives the same events to all who watch it.
#[derive(Clone, Debug)]
pub(crate) struct WatchRun {
    sessions: Vec<Subject>,
    /// The run that is watched, by its session.
    runs: HashMap<i64, i64>,
}

impl WatchRun {
    /// One run of each of many sessions: the first, which is the same one in a copy of the
    /// database too, whatever is run in either since.
    pub(crate) async fn of(setup: &Setup) -> anyhow::Result<Self> {
        const RUNS: &str = "
            SELECT chat_session_id, user_id, agent_id, min(id) FROM runs WHERE ended_at IS NOT NULL
            GROUP BY 1, 2, 3 ORDER BY 1 LIMIT 2000";
        let (database, connection) = tokio_postgres::connect(&setup.postgres.url, NoTls).await?;
        tokio::spawn(connection);
        let (mut sessions, mut runs) = (Vec::new(), HashMap::new());
        for row in database.query(RUNS, &[]).await? {
            let session_id = row.try_get(0)?;
            let (user_id, agent_id) = (row.try_get(1)?, row.try_get(2)?);
            sessions.push(Subject { user_id, agent_id, session_id, ..Subject::default() });
            runs.insert(session_id, row.try_get(3)?);
        }
        ensure!(!sessions.is_empty(), "no run has ended");
        Ok(Self { sessions, runs })
    }

    fn run_id(&self, subject: &Subject) -> i64 {
        self.runs.get(&subject.session_id).copied().unwrap_or_default()
    }
}

#[async_trait]
impl Case for WatchRun {
    fn name(&self) -> &'static str {
        NAME
    }

    fn aftermath(&self) -> Duration {
        Duration::from_millis(50)
    }

    fn pick(&self, _: &Data, turn: &mut Turn) -> Subject {
        self.sessions[turn.random.random_range(0..self.sessions.len())].clone()
    }

    fn inputs(&self, subject: &Subject) -> Inputs {
        subject
            .session()
            .number("agent_id", subject.agent_id)
            .number("run_id", self.run_id(subject))
    }

    async fn call(&self, clients: &Clients, subject: &Subject) -> anyhow::Result<Exchange> {
        let message = WatchRunRequest { run_id: self.run_id(subject), after_event_id: 0 };
        let request_bytes = message.encoded_len();
        let request = clients.request(subject.user_id, message)?;
        let mut events = clients.runs().watch_run(request).await?.into_inner();
        let first = events.message().await?.context("the stream has no event")?;
        ensure!(first.event.is_some(), "the first event is empty");
        Ok(Exchange { request: request_bytes, response: first.encoded_len() })
    }
}
