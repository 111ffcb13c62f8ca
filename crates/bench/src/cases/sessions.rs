//! Sessions: one, a listing of them, and a new one.

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use prost::Message as _;
use proto::v1::{
    CreateSessionRequest, GetSessionRequest, ListSessionsRequest, SessionStatusFilter,
};
use rand::Rng as _;

use super::{Case, Exchange, Subject, Turn, choice};
use crate::{
    clients::Clients,
    data::{Data, TITLE_WORD},
    replay::Inputs,
    report::{Figure, Target},
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct GetSession;

#[async_trait]
impl Case for GetSession {
    fn name(&self) -> &'static str {
        "get_session"
    }

    fn targets(&self) -> &'static [Target] {
        &[Target { figure: Figure::Cpu, at_most: 2.5 }]
    }

    fn pick(&self, data: &Data, turn: &mut Turn) -> Subject {
        choice::session(data, &mut turn.random)
    }

    fn inputs(&self, subject: &Subject) -> Inputs {
        subject.session()
    }

    async fn call(&self, clients: &Clients, subject: &Subject) -> anyhow::Result<Exchange> {
        let message = GetSessionRequest { session_id: subject.session_id };
        let request_bytes = message.encoded_len();
        let request = clients.request(subject.user_id, message)?;
        let response = clients.sessions().get_session(request).await?.into_inner();
        let id = response.session.as_ref().context("no session in the response")?.id;
        ensure!(id == subject.session_id, "session {id} instead of {}", subject.session_id);
        Ok(Exchange { request: request_bytes, response: response.encoded_len() })
    }
}

/// A listing of a user's sessions: all, those with some properties, or those with a word in
/// their title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListSessions {
    Plain,
    Filtered,
    Searched,
}

const LEAST_MESSAGES: i64 = 10;
const LIST: &str = "/tertulia.v1.SessionService/ListSessions";

#[async_trait]
impl Case for ListSessions {
    fn name(&self) -> &'static str {
        match self {
            Self::Plain => "list_sessions",
            Self::Filtered => "list_sessions_filtered",
            Self::Searched => "list_sessions_searched",
        }
    }

    fn targets(&self) -> &'static [Target] {
        match self {
            Self::Plain => &[Target { figure: Figure::Cpu, at_most: 1.5 }],
            Self::Filtered | Self::Searched => &[],
        }
    }

    fn pick(&self, data: &Data, turn: &mut Turn) -> Subject {
        let user = choice::user(data, &mut turn.random);
        let text = match self {
            Self::Searched => TITLE_WORD.to_owned(),
            Self::Plain | Self::Filtered => String::new(),
        };
        Subject { text, ..choice::of(user) }
    }

    fn inputs(&self, subject: &Subject) -> Inputs {
        match self {
            Self::Filtered => subject.agent(),
            Self::Plain | Self::Searched => subject.user(),
        }
    }

    async fn call(&self, clients: &Clients, subject: &Subject) -> anyhow::Result<Exchange> {
        let message = self.request(subject);
        let request = message.encoded_len();
        let response = clients.list(subject.user_id, LIST, message).await?;
        ensure!(!response.items.is_empty(), "no session listed for {subject:?}");
        Ok(Exchange { request, response: response.encoded_len() })
    }
}

impl ListSessions {
    fn request(self, subject: &Subject) -> ListSessionsRequest {
        let all = ListSessionsRequest::default();
        match self {
            Self::Plain => all,
            Self::Filtered => ListSessionsRequest {
                agent_id: subject.agent_id,
                status: SessionStatusFilter::Active.into(),
                min_messages: LEAST_MESSAGES,
                ..all
            },
            Self::Searched => ListSessionsRequest { search: subject.text.clone(), ..all },
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct CreateSession;

#[async_trait]
impl Case for CreateSession {
    fn name(&self) -> &'static str {
        "create_session"
    }

    fn targets(&self) -> &'static [Target] {
        &[Target { figure: Figure::Cpu, at_most: 1.8 }]
    }

    fn pick(&self, data: &Data, turn: &mut Turn) -> Subject {
        let user = choice::user(data, &mut turn.random);
        let text = format!("Sales by region {}", turn.random.random::<u32>());
        Subject { text, ..choice::of(user) }
    }

    fn inputs(&self, subject: &Subject) -> Inputs {
        subject.agent().text("title", &subject.text)
    }

    async fn call(&self, clients: &Clients, subject: &Subject) -> anyhow::Result<Exchange> {
        let message = CreateSessionRequest {
            agent_id: subject.agent_id,
            title: subject.text.clone(),
            request_id: String::new(),
        };
        let request_bytes = message.encoded_len();
        let request = clients.request(subject.user_id, message)?;
        let response = clients.sessions().create_session(request).await?.into_inner();
        ensure!(response.session.is_some(), "no session in the response");
        Ok(Exchange { request: request_bytes, response: response.encoded_len() })
    }
}
