use std::{collections::VecDeque, io, mem, sync::Arc};

use super::statement::{Portal, Statement};
use crate::{Execution, Trip, fields::Fields};

/// What the server answers, in order.
pub(super) enum Step {
    Parse,
    Bind,
    Describe(Arc<Statement>),
    Close,
    /// The execution of this index.
    Execute(usize),
}

/// A round trip that has no answer yet, or not all of it.
pub(super) struct Pending {
    pub(super) trip: Trip,
    pub(super) steps: VecDeque<Step>,
    executions: Vec<(Execution, Portal)>,
    /// Bytes that belong to what is executed next.
    sent: usize,
    received: usize,
    /// Whether the server waits for data.
    pub(super) copies_in: bool,
}

impl Pending {
    pub(super) fn begin(number: u64) -> Self {
        Self {
            trip: Trip { number, ..Trip::default() },
            steps: VecDeque::new(),
            executions: Vec::new(),
            sent: 0,
            received: 0,
            copies_in: false,
        }
    }

    pub(super) fn hear(&mut self, length: usize) {
        self.trip.sent += length;
        self.sent += length;
    }

    pub(super) fn parse(&mut self, name: &str) {
        self.trip.prepared += 1;
        self.trip.unnamed += usize::from(name.is_empty());
        self.steps.push_back(Step::Parse);
    }

    pub(super) fn execute(&mut self, execution: Execution, portal: Portal) {
        self.steps.push_back(Step::Execute(self.executions.len()));
        let sent = mem::take(&mut self.sent);
        self.executions.push((Execution { sent, ..execution }, portal));
    }

    /// Whether an execution of it has no answer yet.
    pub(super) fn executes(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Execute(_)))
    }

    pub(super) fn is_simple(&self) -> bool {
        self.executions.last().is_some_and(|(execution, _)| execution.simple)
    }

    pub(super) fn answer(&mut self, tag: u8, fields: Fields, length: usize) -> io::Result<()> {
        self.trip.received += length;
        self.received += length;
        match tag {
            b'1' | b'2' | b'3' | b'n' => self.step(),
            b't' => self.note_types(fields)?,
            b'T' => self.note_columns(fields)?,
            b'D' => self.note_row(fields)?,
            b'C' => self.note_tag(fields)?,
            b'I' | b's' => self.executed(),
            b'E' => self.note_error(fields)?,
            b'G' => self.copies_in = true,
            _ => {}
        }
        Ok(())
    }

    /// The trip and its executions, without those that an error before has prevented.
    pub(super) fn end(mut self) -> (Trip, Vec<Execution>) {
        if let Some((last, _)) = self.executions.last_mut() {
            last.sent += self.sent;
            last.received += self.received;
        }
        self.trip.executed = self.executions.len();
        let described = |(execution, portal): (Execution, Portal)| {
            let Portal { statement, .. } = portal;
            let simple = execution.simple.then(|| execution.columns.clone());
            let columns = simple.unwrap_or_else(|| statement.columns());
            Execution { types: statement.types(), columns, ..execution }
        };
        (self.trip, self.executions.into_iter().map(described).collect())
    }

    fn step(&mut self) {
        self.steps.pop_front();
    }

    fn executing(&mut self) -> Option<&mut (Execution, Portal)> {
        match self.steps.front()? {
            Step::Execute(index) => self.executions.get_mut(*index),
            _ => None,
        }
    }

    fn note_types(&mut self, mut fields: Fields) -> io::Result<()> {
        if let Some(Step::Describe(statement)) = self.steps.front() {
            let _ = statement.types.set(fields.list(Fields::oid)?);
        }
        Ok(())
    }

    fn note_columns(&mut self, mut fields: Fields) -> io::Result<()> {
        let columns = fields.list(|column| {
            let _name = column.text()?;
            let (_table, _column) = (column.oid()?, column.short()?);
            let oid = column.oid()?;
            let (_size, _modifier, _format) = (column.short()?, column.int()?, column.short()?);
            Ok(oid)
        })?;
        if let Some(Step::Describe(statement)) = self.steps.front() {
            let _ = statement.columns.set(columns);
            self.step();
        } else if let Some((execution, _)) = self.executing() {
            execution.columns = columns;
        }
        Ok(())
    }

    fn note_row(&mut self, mut fields: Fields) -> io::Result<()> {
        let Some((execution, portal)) = self.executing() else { return Ok(()) };
        execution.row_count += 1;
        if execution.rows.len() < Execution::MAX_ROWS {
            execution.rows.push(fields.values(&portal.formats)?);
        }
        Ok(())
    }

    fn note_tag(&mut self, mut fields: Fields) -> io::Result<()> {
        self.copies_in = false;
        let tag = fields.text()?;
        if let Some((execution, _)) = self.executing() {
            execution.tags.push(tag);
            self.executed();
        }
        Ok(())
    }

    /// A simple query goes on until the server is ready for another.
    fn executed(&mut self) {
        let received = mem::take(&mut self.received);
        let Some((execution, _)) = self.executing() else { return };
        execution.received += received;
        if !execution.simple {
            self.step();
        }
    }

    /// The server passes over the rest.
    fn note_error(&mut self, mut fields: Fields) -> io::Result<()> {
        let code = sqlstate(&mut fields)?;
        let next = self.steps.iter().find_map(|step| match step {
            Step::Execute(index) => Some(*index),
            _ => None,
        });
        if let Some(index) = next {
            self.executions.truncate(index + 1);
            self.executions[index].0.error = Some(code);
        }
        self.steps.clear();
        Ok(())
    }
}

fn sqlstate(fields: &mut Fields) -> io::Result<String> {
    loop {
        match fields.byte()? {
            0 => return Ok(String::new()),
            b'C' => return fields.text(),
            _ => drop(fields.text()?),
        }
    }
}
