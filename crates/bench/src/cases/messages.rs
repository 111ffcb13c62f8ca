//! Listing a conversation's messages.

use anyhow::ensure;
use async_trait::async_trait;
use prost::Message as _;
use proto::v1::{ListMessagesRequest, MessageOrder};

use super::{Case, Exchange, Subject, Turn, choice};
use crate::{
    clients::Clients,
    data::Data,
    replay::Inputs,
    report::{Figure, Target},
};

const PATH: &str = "/tertulia.v1.SessionService/ListMessages";

/// Which conversation is read, and which of its messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListMessages {
    name: &'static str,
    place: Place,
    per_page: i32,
    order: MessageOrder,
    callers: usize,
    targets: &'static [Target],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The first page of any conversation that fills it.
    Any,
    /// The longest conversation's.
    First,
    Last,
}

/// The page that is read most.
pub(crate) const PAGE: ListMessages = ListMessages {
    name: "list_messages_20",
    place: Place::Any,
    per_page: 20,
    order: MessageOrder::Ascending,
    callers: 16,
    targets: &[Target { figure: Figure::Cpu, at_most: 2.0 }],
};

/// The listings that are measured each by itself.
pub(crate) const ALL: [ListMessages; 3] = [
    PAGE,
    ListMessages {
        name: "list_messages_100",
        per_page: 100,
        targets: &[Target { figure: Figure::Cpu, at_most: 1.8 }],
        ..PAGE
    },
    ListMessages {
        name: "list_messages_newest",
        place: Place::First,
        order: MessageOrder::Descending,
        targets: &[],
        ..PAGE
    },
];

/// Those that are measured together: the longest conversation's pages, the second of which
/// is page 2,500 of 50,000 messages.
pub(crate) const FIRST: ListMessages = ListMessages {
    name: "list_messages_page_1",
    place: Place::First,
    callers: 1,
    targets: &[],
    ..PAGE
};
pub(crate) const LAST: ListMessages =
    ListMessages { name: "list_messages_page_2500", place: Place::Last, ..FIRST };

#[async_trait]
impl Case for ListMessages {
    fn name(&self) -> &'static str {
        self.name
    }

    fn callers(&self) -> usize {
        self.callers
    }

    fn targets(&self) -> &'static [Target] {
        self.targets
    }

    fn pick(&self, data: &Data, turn: &mut Turn) -> Subject {
        let pages = data.long.session.messages / i64::from(self.per_page);
        match self.place {
            Place::Any => {
                let subject = choice::session_with(data, &mut turn.random, self.per_page.into());
                Subject { page: 1, ..subject }
            }
            Place::First => Subject { page: 1, ..choice::longest(data) },
            Place::Last => Subject { page: pages as i32, ..choice::longest(data) },
        }
    }

    fn inputs(&self, subject: &Subject) -> Inputs {
        match self.place {
            Place::Any => subject.session(),
            Place::First | Place::Last => Inputs::default(),
        }
    }

    async fn call(&self, clients: &Clients, subject: &Subject) -> anyhow::Result<Exchange> {
        let message = ListMessagesRequest {
            session_id: subject.session_id,
            page: subject.page,
            per_page: self.per_page,
            order: self.order.into(),
            after_sequence: 0,
        };
        let request = message.encoded_len();
        let response = clients.list(subject.user_id, PATH, message).await?;
        let listed = response.items.len();
        ensure!(listed == self.per_page as usize, "{listed} messages on a page");
        Ok(Exchange { request, response: response.encoded_len() })
    }
}
