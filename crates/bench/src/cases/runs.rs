//! Runs from the question to the answer, which is a statement's result.

pub(crate) mod watch;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use prost::Message as _;
use proto::v1::{RunState, StartRunRequest};

use super::{Case, Exchange, Subject, Turn, choice};
use crate::{
    clients::Clients,
    data::{Data, QUESTION, Session},
    replay::Inputs,
    report::{Figure, Target},
};

const PATIENCE: prost_types::Duration = prost_types::Duration { seconds: 60, nanos: 0 };
/// A conversation has reached its usual length by then.
const LEAST_MESSAGES: i64 = 40;

/// Runs, so many in flight. Each caller asks in a conversation of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunToEnd {
    pub(crate) in_flight: InFlight,
    pub(crate) who: Who,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InFlight {
    One,
    Sixteen,
}

/// For whom the conversations are: none disturbs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Product,
    BareLoop,
    Recorder,
}

#[async_trait]
impl Case for RunToEnd {
    fn name(&self) -> &'static str {
        match self.in_flight {
            InFlight::One => "run_1",
            InFlight::Sixteen => "run_16",
        }
    }

    fn callers(&self) -> usize {
        match self.in_flight {
            InFlight::One => 1,
            InFlight::Sixteen => 16,
        }
    }

    fn targets(&self) -> &'static [Target] {
        match self.in_flight {
            InFlight::One => &[Target { figure: Figure::P50, at_most: 3.0 }],
            InFlight::Sixteen => &[
                Target { figure: Figure::Cpu, at_most: 2.0 },
                Target { figure: Figure::Rate, at_most: 2.2 },
            ],
        }
    }

    fn aftermath(&self) -> Duration {
        Duration::from_millis(300)
    }

    fn pick(&self, data: &Data, turn: &mut Turn) -> Subject {
        let users: Vec<_> = data.live().collect();
        let user = users[turn.caller % users.len()];
        let is_usual =
            |it: &&Session| LEAST_MESSAGES <= it.messages && it.id != data.long.session.id;
        let sessions = user.sessions.iter().filter(is_usual);
        let session =
            sessions.skip(self.who as usize).step_by(Who::COUNT).nth(turn.caller / users.len());
        let session = session.expect("every user has conversations of some length");
        Subject { session_id: session.id, text: QUESTION.to_owned(), ..choice::of(user) }
    }

    fn inputs(&self, subject: &Subject) -> Inputs {
        subject.agent().number("session_id", subject.session_id)
    }

    async fn call(&self, clients: &Clients, subject: &Subject) -> anyhow::Result<Exchange> {
        let message = StartRunRequest {
            session_id: subject.session_id,
            question: subject.text.clone(),
            wait: Some(PATIENCE),
            ..Default::default()
        };
        let request_bytes = message.encoded_len();
        let request = clients.request(subject.user_id, message)?;
        let response = clients.runs().start_run(request).await?.into_inner();
        let run = response.run.as_ref().context("no run in the response")?;
        ensure!(run.state() == RunState::Succeeded, "the run has ended as {run:?}");
        ensure!(response.answer.is_some(), "no answer in the response");
        Ok(Exchange { request: request_bytes, response: response.encoded_len() })
    }
}

impl Who {
    const COUNT: usize = 3;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::data::{Long, User};

    fn data() -> Data {
        let sessions = |user: i64| {
            let session = |number| Session { id: 100 * user + number, messages: 30 + number };
            (0..100).map(session).collect()
        };
        let user = |id| User { id, agent_id: 1000 + id, is_live: id <= 4, sessions: sessions(id) };
        let session = Session { id: 110, messages: 40 };
        Data { users: (1..=8).map(user).collect(), long: Long { user_id: 1, session } }
    }

    #[test]
    fn no_two_callers_ask_in_the_same_conversation() {
        let data = data();
        let mut seen = HashSet::new();

        for who in [Who::Product, Who::BareLoop, Who::Recorder] {
            let case = RunToEnd { in_flight: InFlight::Sixteen, who };
            for caller in 0..64 {
                let subject = case.pick(&data, &mut Turn::of(caller));
                assert!(seen.insert(subject.session_id), "{subject:?}");
                assert!(subject.user_id <= 4, "nobody answers {subject:?}");
                assert_ne!(subject.session_id, data.long.session.id, "it is far from usual");
            }
        }
    }

    #[test]
    fn a_caller_stays_in_its_conversation() {
        let data = data();
        let case = RunToEnd { in_flight: InFlight::Sixteen, who: Who::Product };
        let mut turn = Turn::of(5);

        let first = case.pick(&data, &mut turn);

        assert_eq!(case.pick(&data, &mut turn), first);
    }
}
