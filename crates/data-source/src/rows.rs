//! What a query returned.

use std::time::Duration;

/// The rows of one query, in the order that the data source sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub columns: Vec<ResultColumn>,
    /// Every value as Postgres prints it; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Set if there were more rows than these.
    pub truncated_by: Option<TruncatedBy>,
    /// How many rows the whole statement has, if that could be found out.
    pub total_rows: Option<u64>,
    /// From the wait for a connection to the last of these rows; it took longer if
    /// the others were counted.
    pub took: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    pub name: String,
    /// As Postgres names it: `int8`, `text`, `numeric`, `int4[]`; a domain is told
    /// as what it is made of.
    pub type_name: String,
}

/// Which limit cut the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TruncatedBy {
    Rows,
    Bytes,
}
