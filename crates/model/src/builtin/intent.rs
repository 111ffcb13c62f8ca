//! What a question asks for, in the question's own names.

use super::{
    names::Mention,
    vocabulary::{Comparison, Function, Unit},
};

#[derive(Debug, Default)]
pub(super) struct Intent {
    pub(super) verb: Option<Verb>,
    pub(super) aggregate: Option<Aggregate>,
    pub(super) shown: Option<Shown>,
    pub(super) is_distinct: bool,
    /// The tables that the one that was named could be.
    pub(super) tables: Option<Vec<usize>>,
    pub(super) filters: Vec<Filter>,
    pub(super) groups: Vec<Group>,
    pub(super) rank: Option<Rank>,
    pub(super) limit: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Show,
    Which,
    WhichOne,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Aggregate {
    Rows,
    Distinct(Mention),
    Of(Function, Mention),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Rows,
    Columns(Vec<Mention>),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filter {
    Is(Mention, Comparison, String),
    Between(Mention, String, String),
    /// A column that is called "year", or else a table's only date.
    Year(Option<Mention>, u16),
}

/// "by year" is a column of that name, or else a table's only date cut down.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) column: Option<Mention>,
    pub(super) unit: Option<Unit>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rank {
    pub(super) kind: RankKind,
    /// `None`: the aggregate, or what a later "by" says.
    pub(super) by: Option<Mention>,
    pub(super) is_descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RankKind {
    /// "top 5 airports by latitude"
    Top,
    /// "the 3 highest latitudes"
    Values,
    /// "airports with the highest latitude"
    Superlative,
    /// "airports sorted by latitude"
    Sorted,
}

/// Why a question has no query.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// Nothing in the question makes use of this word.
    Unknown(String),
    Unclear,
    Ambiguous(Vec<String>),
    /// The columns that were named are in no one table.
    Apart,
    /// The column can't be used, or compared with that value, like this.
    Unfit(String),
    NoTables,
}
