//! Asking a question without waiting for its answer.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use prost::Message as _;
use proto::v1::{RunState, StartRunRequest};

use super::{Case, Exchange, Subject, Turn, choice};
use crate::{
    clients::Clients,
    data::{Data, QUESTION},
    replay::Inputs,
};

/// Each question is the first of a new session, so that none waits for another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartRun;

#[async_trait]
impl Case for StartRun {
    fn name(&self) -> &'static str {
        "start_run"
    }

    fn aftermath(&self) -> Duration {
        Duration::from_millis(100)
    }

    fn pick(&self, data: &Data, turn: &mut Turn) -> Subject {
        Subject { text: QUESTION.to_owned(), ..choice::of(choice::user(data, &mut turn.random)) }
    }

    fn inputs(&self, subject: &Subject) -> Inputs {
        subject.agent()
    }

    async fn call(&self, clients: &Clients, subject: &Subject) -> anyhow::Result<Exchange> {
        let message = StartRunRequest {
            agent_id: subject.agent_id,
            question: subject.text.clone(),
            ..Default::default()
        };
        let request_bytes = message.encoded_len();
        let request = clients.request(subject.user_id, message)?;
        let response = clients.runs().start_run(request).await?.into_inner();
        let run = response.run.as_ref().context("no run in the response")?;
        ensure!(run.state() == RunState::Queued, "the run began as {run:?}");
        Ok(Exchange { request: request_bytes, response: response.encoded_len() })
    }
}
