//! What a client asks, message by message.

use std::{io, sync::Arc, time::SystemTime};

use super::{
    Conversation,
    pending::{Pending, Step},
    statement::{Portal, Statement},
};
use crate::{Execution, fields::Fields, frames::Frame};

impl Conversation {
    pub(super) fn note_request(&mut self, frame: Frame) -> io::Result<()> {
        let Frame { tag, mut fields, length } = frame;
        // Logging in, logging out.
        if matches!(tag, b'p' | b'X') {
            return Ok(());
        }
        // The server has passed over the Sync before the data that it waits for.
        if self.asking.is_none() && self.asked.back().is_some_and(|it| it.copies_in) {
            self.asking = self.asked.pop_back();
        }
        self.asking().hear(length);
        match tag {
            b'P' => self.parse(&mut fields),
            b'B' => self.bind(&mut fields),
            b'D' => self.describe(&mut fields),
            b'E' => self.execute(&mut fields),
            b'C' => self.close(&mut fields),
            b'Q' => self.query(&mut fields),
            b'S' => {
                self.sent();
                Ok(())
            }
            b'c' | b'f' => {
                self.copied();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn parse(&mut self, fields: &mut Fields) -> io::Result<()> {
        let name = fields.text()?;
        let statement = Arc::new(Statement::read(fields)?);
        self.asking().parse(&name);
        self.statements.insert(name, statement);
        Ok(())
    }

    fn bind(&mut self, fields: &mut Fields) -> io::Result<()> {
        let name = fields.text()?;
        let statement = self.statement(&fields.text()?);
        self.portals.insert(name, Portal::read(statement, fields)?);
        self.asking().steps.push_back(Step::Bind);
        Ok(())
    }

    fn describe(&mut self, fields: &mut Fields) -> io::Result<()> {
        let statement = match (fields.byte()?, fields.text()?) {
            (b'S', name) => self.statement(&name),
            (_, portal) => self.portal(&portal).statement,
        };
        self.asking().steps.push_back(Step::Describe(statement));
        Ok(())
    }

    fn execute(&mut self, fields: &mut Fields) -> io::Result<()> {
        let portal = self.portal(&fields.text()?);
        let execution = self.execution(&portal, false);
        self.asking().execute(execution, portal);
        Ok(())
    }

    /// A statement that is bound to a portal is kept by it.
    fn close(&mut self, fields: &mut Fields) -> io::Result<()> {
        match (fields.byte()?, fields.text()?) {
            (b'S', name) => drop(self.statements.remove(&name)),
            (_, portal) => drop(self.portals.remove(&portal)),
        }
        self.asking().steps.push_back(Step::Close);
        Ok(())
    }

    fn query(&mut self, fields: &mut Fields) -> io::Result<()> {
        let portal = Portal::simple(fields.text()?);
        let execution = self.execution(&portal, true);
        self.asking().execute(execution, portal);
        self.sent();
        Ok(())
    }

    fn copied(&mut self) {
        self.asking().copies_in = false;
        // A Sync follows unless it was a simple query that asked for data.
        if self.asking().is_simple() {
            self.sent();
        }
    }

    fn statement(&self, name: &str) -> Arc<Statement> {
        // One that SQL's own PREPARE made, or none: the server will tell.
        self.statements.get(name).cloned().unwrap_or_default()
    }

    fn portal(&self, name: &str) -> Portal {
        self.portals.get(name).cloned().unwrap_or_default()
    }

    fn asking(&mut self) -> &mut Pending {
        self.asking.get_or_insert_with(|| Pending::begin(self.log.begin_trip()))
    }

    fn sent(&mut self) {
        self.asked.extend(self.asking.take());
    }

    fn execution(&mut self, portal: &Portal, simple: bool) -> Execution {
        let pipelined = self.asked.iter().chain(&self.asking).any(Pending::executes);
        Execution {
            order: self.log.next_number(),
            connection: self.connection,
            database: self.database.clone(),
            user: self.user.clone(),
            trip: self.asking().trip.number,
            at: SystemTime::now(),
            pipelined,
            sql: portal.statement.sql.clone(),
            simple,
            prepared: !simple && portal.statement.is_first_execution(),
            types: Vec::new(),
            parameters: portal.parameters.clone(),
            columns: Vec::new(),
            rows: Vec::new(),
            row_count: 0,
            tags: Vec::new(),
            error: None,
            sent: 0,
            received: 0,
        }
    }
}
