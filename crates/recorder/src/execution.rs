use std::time::SystemTime;

use bytes::Bytes;

/// A value as it was sent: a parameter, or a row's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Value {
    /// `None` is NULL.
    pub bytes: Option<Bytes>,
    /// In the type's binary format, not as text.
    pub binary: bool,
}

/// One execution of a statement, or of a simple query that may hold several.
#[derive(Clone, Debug)]
pub struct Execution {
    pub(crate) order: u64,
    /// Which of the recorder's connections, from 1.
    pub connection: u64,
    pub database: String,
    pub user: String,
    /// The number of the round trip that it was a part of.
    pub trip: u64,
    /// When it was asked for.
    pub at: SystemTime,
    /// Asked for before the one before it on the connection was answered.
    pub pipelined: bool,
    pub sql: String,
    /// Asked as a simple query: without parameters, its rows are text.
    pub simple: bool,
    /// Parsed for this execution, not before.
    pub prepared: bool,
    /// The types' oids, of as many parameters as the server or the client has named.
    pub types: Vec<u32>,
    pub parameters: Vec<Value>,
    /// The types' oids; empty where the client did not ask for them.
    pub columns: Vec<u32>,
    /// The first rows, at most [`Self::MAX_ROWS`].
    pub rows: Vec<Vec<Value>>,
    pub row_count: usize,
    /// What the server has called it, such as `SELECT 20`: once for each statement of a
    /// simple query, never for one that failed.
    pub tags: Vec<String>,
    /// The SQLSTATE of the error that it ended in.
    pub error: Option<String>,
    /// Bytes of its messages; those of a round trip that only prepared it are not among them.
    pub sent: usize,
    pub received: usize,
}

impl Execution {
    /// How many rows of an execution are kept.
    pub const MAX_ROWS: usize = 200;
}

/// What was sent up to a Sync, or as one simple query, and its answer.
#[derive(Clone, Debug, Default)]
pub struct Trip {
    pub number: u64,
    pub connection: u64,
    pub database: String,
    pub user: String,
    /// How many statements were parsed.
    pub prepared: usize,
    /// How many of those without a name, so that they have to be parsed again next time.
    pub unnamed: usize,
    /// How many were executed.
    pub executed: usize,
    pub sent: usize,
    pub received: usize,
}

impl Trip {
    /// Whether it executed and prepared nothing: it asked whether the connection lives, or
    /// gave up a statement's name.
    pub fn is_ping(&self) -> bool {
        self.prepared == 0 && self.executed == 0
    }
}
