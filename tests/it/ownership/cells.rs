//! The matrix: by which field an rpc can name a row, and what comes of it.

mod agents;
mod data_sources;
mod runs;
mod sessions;

use prost::Message;

use super::{things::Things, wire::Answer};

/// The messages of one request.
pub(super) type Sent = Vec<Vec<u8>>;

/// A field of an rpc, whatever the rest of the request says.
pub(super) struct Cell {
    pub(super) rpc: &'static str,
    pub(super) field: &'static str,
    /// What is answered where the field names nothing: `OK`, or the reason.
    pub(super) outcome: &'static str,
    /// Why what one has deleted oneself is answered otherwise.
    pub(super) deleted_differs: Option<&'static str>,
    /// What is sent, given one's own things and those that the field names.
    pub(super) requests: fn(&Things, &Things) -> Vec<Sent>,
    /// Leaves out what no two answers have in common.
    pub(super) comparable: fn(Answer) -> Answer,
}

impl Cell {
    fn new(
        rpc: &'static str,
        field: &'static str,
        outcome: &'static str,
        requests: fn(&Things, &Things) -> Vec<Sent>,
    ) -> Self {
        Self { rpc, field, outcome, deleted_differs: None, requests, comparable: |answer| answer }
    }

    fn but_deleted(self, why: &'static str) -> Self {
        Self { deleted_differs: Some(why), ..self }
    }

    /// Of a request's id, which one's own things have used.
    fn request_id(
        rpc: &'static str,
        outcome: &'static str,
        requests: fn(&Things, &Things) -> Vec<Sent>,
    ) -> Self {
        let why = "an id that one has given to another request oneself is REQUEST_ID_REUSED";
        Self::new(rpc, "request_id", outcome, requests).but_deleted(why)
    }
}

fn sent(message: impl Message) -> Sent {
    vec![message.encode_to_vec()]
}

pub(super) fn all() -> Vec<Cell> {
    [sessions::cells(), runs::cells(), agents::cells(), data_sources::cells()]
        .into_iter()
        .flatten()
        .collect()
}
