use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{Value, fields::Fields};

/// What a client has parsed.
#[derive(Default)]
pub(super) struct Statement {
    pub(super) sql: String,
    /// The types that the client has named; zero where it leaves one to the server.
    declared: Vec<u32>,
    /// As the server has described it.
    pub(super) types: OnceLock<Vec<u32>>,
    pub(super) columns: OnceLock<Vec<u32>>,
    executed: AtomicBool,
}

impl Statement {
    pub(super) fn read(fields: &mut Fields) -> io::Result<Self> {
        let sql = fields.text()?;
        let declared = fields.list(Fields::oid)?;
        Ok(Self { sql, declared, ..Self::default() })
    }

    pub(super) fn is_first_execution(&self) -> bool {
        !self.executed.swap(true, Ordering::Relaxed)
    }

    pub(super) fn types(&self) -> Vec<u32> {
        self.types.get().unwrap_or(&self.declared).clone()
    }

    pub(super) fn columns(&self) -> Vec<u32> {
        self.columns.get().cloned().unwrap_or_default()
    }
}

/// A statement with its parameters.
#[derive(Clone, Default)]
pub(super) struct Portal {
    pub(super) statement: Arc<Statement>,
    pub(super) parameters: Vec<Value>,
    /// Of the rows' values, whether they are binary: once for all, or each.
    pub(super) formats: Vec<bool>,
}

impl Portal {
    pub(super) fn read(statement: Arc<Statement>, fields: &mut Fields) -> io::Result<Self> {
        let formats = fields.formats()?;
        let parameters = fields.values(&formats)?;
        Ok(Self { statement, parameters, formats: fields.formats()? })
    }

    pub(super) fn simple(sql: String) -> Self {
        Self { statement: Arc::new(Statement { sql, ..Default::default() }), ..Self::default() }
    }
}
