use std::{ops::Deref, sync::Arc};

use deadpool::managed::Object;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{Logins, registry::Registry};
use crate::{Error, session::Session};

/// A connection as its pool keeps it.
pub(crate) struct Pooled {
    session: Session,
    /// While nobody uses it: since when, and its share of the idle connections that
    /// the process may have.
    pub(super) idle: Option<(Instant, OwnedSemaphorePermit)>,
}

impl Pooled {
    pub(super) fn new(session: Session) -> Self {
        Self { session, idle: None }
    }

    pub(super) async fn wake(&mut self) -> bool {
        self.idle = None;
        self.session.discard_all().await
    }
}

/// A connection that was taken out of its pool for one piece of work.
///
/// Dropped in the middle of that, it is closed, and the server told to stop.
pub(crate) struct Lease {
    connection: Option<Object<Logins>>,
    registry: Arc<Registry>,
}

impl Lease {
    pub(super) fn new(connection: Object<Logins>, registry: Arc<Registry>) -> Self {
        Self { connection: Some(connection), registry }
    }

    /// Ends the work and keeps the connection for the next, unless there are enough
    /// already.
    pub(crate) async fn give_back(mut self) {
        let Some(connection) = &mut self.connection else { return };
        if !connection.session.rest().await || !connection.session.is_reusable() {
            return;
        }
        connection.idle = self.registry.idle_permit().map(|permit| (Instant::now(), permit));
        if connection.idle.is_some() {
            self.connection = None;
        }
    }

    /// Keeps the connection of a statement that failed in the usual way.
    pub(crate) async fn end_after(mut self, error: &Error) {
        match error {
            Error::Statement { .. } | Error::TooExpensive { .. } => self.give_back().await,
            Error::TimedOut => {
                if let Some(connection) = self.connection.take() {
                    Object::take(connection).session.close().await;
                }
            }
            _ => drop(self),
        }
    }
}

impl Deref for Lease {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.connection.as_ref().expect("it is there until the lease ends").session
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(Object::take(connection));
        }
    }
}
