//! Whether the queue can be worked with.

use async_nats::{
    Client,
    jetstream::{self, ErrorCode, context::GetStreamErrorKind},
};

use crate::{Names, connection::is_connected};

/// Asks JetStream for the queue.
#[derive(Clone, Debug)]
pub struct Probe {
    client: Client,
    jetstream: jetstream::Context,
    stream: String,
}

impl Probe {
    pub fn new(client: Client, names: &Names) -> Self {
        Self { jetstream: jetstream::new(client.clone()), client, stream: names.stream.clone() }
    }

    /// That the queue is missing is an answer, too: it will be made.
    pub async fn answers(&self) -> bool {
        // Otherwise the question would wait in the client until there is a connection.
        if !is_connected(&self.client) {
            return false;
        }
        match self.jetstream.get_stream(&self.stream).await {
            Ok(_) => true,
            Err(error) => matches!(
                error.kind(),
                GetStreamErrorKind::JetStream(error)
                    if error.error_code() == ErrorCode::STREAM_NOT_FOUND
            ),
        }
    }
}
