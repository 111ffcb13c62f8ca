//! What a query returned.

/// The rows of one query, in the order that the data source sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub columns: Vec<ResultColumn>,
    /// Every value as Postgres prints it; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Set if there were more rows than these.
    pub truncated_by: Option<TruncatedBy>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    pub name: String,
    /// As Postgres names it: `int8`, `text`, `numeric`.
    pub type_name: String,
}

/// Which limit cut the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TruncatedBy {
    Rows,
    Bytes,
}
