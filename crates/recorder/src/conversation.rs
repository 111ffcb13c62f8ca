//! What client and server say on one connection, put together into executions.

mod pending;
mod request;
mod statement;

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::Arc,
};

use pending::Pending;
use statement::{Portal, Statement};

use crate::{
    frames::{Frame, Frames},
    log::Log,
};

pub(crate) struct Conversation {
    log: Arc<Log>,
    connection: u64,
    user: String,
    database: String,
    from_client: Frames,
    from_server: Frames,
    statements: HashMap<String, Arc<Statement>>,
    portals: HashMap<String, Portal>,
    /// What the client has said since its last Sync.
    asking: Option<Pending>,
    /// What it waits for.
    asked: VecDeque<Pending>,
}

impl Conversation {
    pub(crate) fn new(log: Arc<Log>, user: String, database: String) -> Self {
        Self {
            connection: log.next_connection(),
            log,
            user,
            database,
            from_client: Frames::default(),
            from_server: Frames::default(),
            statements: HashMap::new(),
            portals: HashMap::new(),
            asking: None,
            asked: VecDeque::new(),
        }
    }

    pub(crate) fn hear_client(&mut self, piece: &[u8]) -> io::Result<()> {
        self.from_client.add(piece);
        while let Some(frame) = self.from_client.next()? {
            self.note_request(frame)?;
        }
        Ok(())
    }

    pub(crate) fn hear_server(&mut self, piece: &[u8]) -> io::Result<()> {
        self.from_server.add(piece);
        while let Some(frame) = self.from_server.next()? {
            self.note_answer(frame)?;
        }
        Ok(())
    }

    fn note_answer(&mut self, Frame { tag, fields, length }: Frame) -> io::Result<()> {
        // Without a question: what follows the start-up, notifications, a farewell.
        let Some(pending) = self.asked.front_mut().or(self.asking.as_mut()) else {
            return Ok(());
        };
        pending.answer(tag, fields, length)?;
        if tag == b'Z' {
            self.end();
        }
        Ok(())
    }

    /// Notes what is answered.
    fn end(&mut self) {
        if let Some(pending) = self.asked.pop_front().or_else(|| self.asking.take()) {
            self.note(pending);
        }
    }

    fn note(&self, pending: Pending) {
        let (mut trip, executions) = pending.end();
        trip.connection = self.connection;
        trip.user.clone_from(&self.user);
        trip.database.clone_from(&self.database);
        self.log.end_trip(trip, executions);
    }
}

impl Drop for Conversation {
    /// What has no answer when the connection ends is noted without one.
    fn drop(&mut self) {
        let unanswered: Vec<Pending> = self.asked.drain(..).chain(self.asking.take()).collect();
        for pending in unanswered {
            self.note(pending);
        }
    }
}
