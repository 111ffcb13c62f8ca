//! Finding messages: by their words, by what they are about, and by both.

use anyhow::ensure;
use async_trait::async_trait;
use prost::Message as _;
use proto::v1::{SearchMessagesRequest, SearchMode};

use super::{Case, Exchange, Subject, Turn, choice};
use crate::{
    clients::Clients,
    data::{CONTENT_WORD, Data},
    replay::Inputs,
};

/// What is searched by. Needs [`vectors`](crate::data::vectors).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SearchMessages {
    /// Of any user.
    Words,
    /// Of the one who has so many that the index is asked.
    Meaning,
    Both,
}

pub(crate) const ALL: [SearchMessages; 3] =
    [SearchMessages::Words, SearchMessages::Meaning, SearchMessages::Both];

#[async_trait]
impl Case for SearchMessages {
    fn name(&self) -> &'static str {
        match self {
            Self::Words => "search_messages_words",
            Self::Meaning => "search_messages_meaning",
            Self::Both => "search_messages_both",
        }
    }

    fn callers(&self) -> usize {
        4
    }

    fn pick(&self, data: &Data, turn: &mut Turn) -> Subject {
        let text = CONTENT_WORD.to_owned();
        match self {
            Self::Words => Subject { text, ..choice::of(choice::user(data, &mut turn.random)) },
            Self::Meaning | Self::Both => Subject { text, ..choice::longest(data) },
        }
    }

    fn inputs(&self, subject: &Subject) -> Inputs {
        match self {
            Self::Words => subject.user(),
            Self::Meaning | Self::Both => Inputs::default(),
        }
    }

    async fn call(&self, clients: &Clients, subject: &Subject) -> anyhow::Result<Exchange> {
        let mode = match self {
            Self::Words => SearchMode::Text,
            Self::Meaning => SearchMode::Semantic,
            Self::Both => SearchMode::Hybrid,
        };
        let query = subject.text.clone();
        let message = SearchMessagesRequest { query, mode: mode.into(), ..Default::default() };
        let request_bytes = message.encoded_len();
        let request = clients.request(subject.user_id, message)?;
        let response = clients.sessions().search_messages(request).await?.into_inner();
        ensure!(!response.hits.is_empty(), "nothing found for {subject:?}");
        Ok(Exchange { request: request_bytes, response: response.encoded_len() })
    }
}
