//! What can be asked of one table, and how it is written in SQL.

use std::fmt::{self, Display, Formatter};

use data_source::schema::{Column, Kind, Table};

use super::vocabulary::{Comparison, Function, Unit};
use crate::identifier::identifier;

/// A list that no number was asked for ends here.
pub(super) const LIST_LIMIT: u64 = 100;

#[derive(Debug)]
pub(super) struct Query<'a> {
    pub(super) table: &'a Table,
    pub(super) select: Select<'a>,
    pub(super) conditions: Vec<Condition<'a>>,
    pub(super) limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Asked(u64),
    /// The first row, and all that are as good.
    Best,
    /// No number was asked for.
    Open,
    /// Every row.
    Whole,
}

#[derive(Debug)]
pub(super) enum Select<'a> {
    Aggregate {
        keys: Vec<Key<'a>>,
        measure: Measure<'a>,
        /// `None`: the groups are sorted by their keys, not by the measure.
        is_descending: Option<bool>,
    },
    Rows {
        /// Empty: all.
        columns: Vec<&'a Column>,
        is_distinct: bool,
        /// The column and whether the highest come first.
        order: Option<(&'a Column, bool)>,
    },
}

#[derive(Debug)]
pub(super) enum Key<'a> {
    Column(&'a Column),
    Unit(Unit, &'a Column),
}

#[derive(Debug)]
pub(super) enum Measure<'a> {
    Rows,
    Distinct(&'a Column),
    Of(Function, &'a Column),
}

#[derive(Debug)]
pub(super) enum Condition<'a> {
    Is(&'a Column, Comparison, Value),
    Between(&'a Column, Value, Value),
    Year(&'a Column, u16),
}

#[derive(Debug)]
pub(super) enum Value {
    /// A number or a truth value, already checked.
    Bare(String),
    Quoted(String),
}

impl Query<'_> {
    /// Whether it is a list that may end before the rows do.
    pub(super) fn is_open_list(&self) -> bool {
        matches!(self.select, Select::Rows { .. }) && self.limit == Limit::Open
    }
}

impl Display for Query<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "SELECT ")?;
        match &self.select {
            Select::Aggregate { keys, measure, .. } => {
                keys.iter().try_for_each(|it| write!(f, "{it}, "))?;
                write!(f, "{measure}")?;
            }
            Select::Rows { columns, is_distinct, .. } => {
                write!(f, "{}", if *is_distinct { "DISTINCT " } else { "" })?;
                let names: Vec<_> = columns.iter().map(|it| identifier(&it.name)).collect();
                write!(f, "{}", if names.is_empty() { "*".to_owned() } else { names.join(", ") })?;
            }
        }
        write!(f, " FROM {}.{}", identifier(&self.table.schema), identifier(&self.table.name))?;
        for (n, condition) in self.conditions.iter().enumerate() {
            write!(f, " {} {condition}", if n == 0 { "WHERE" } else { "AND" })?;
        }
        self.write_order(f)?;
        match self.limit {
            Limit::Asked(limit) => write!(f, " LIMIT {limit}"),
            Limit::Best => write!(f, " FETCH FIRST 1 ROW WITH TIES"),
            Limit::Open if self.is_open_list() => write!(f, " LIMIT {LIST_LIMIT}"),
            Limit::Open | Limit::Whole => Ok(()),
        }
    }
}

impl Query<'_> {
    /// Groups and ranks are sorted to the last column, so that asking twice
    /// gives the same rows; the best ones are not, so that they can tie.
    /// Columns are given by their place.
    fn write_order(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let places = |to: usize| (1..=to).map(|it| it.to_string()).collect::<Vec<_>>();
        match &self.select {
            Select::Aggregate { keys, .. } if keys.is_empty() => Ok(()),
            Select::Aggregate { keys, measure, is_descending } => {
                let keys = places(keys.len());
                write!(f, " GROUP BY {}", keys.join(", "))?;
                let rank = match measure {
                    // Not by the rounded one, which would make equals of neighbours.
                    Measure::Of(Function::Average, it) => format!("avg({})", identifier(&it.name)),
                    _ => (keys.len() + 1).to_string(),
                };
                let rank = is_descending.map(|it| rank + direction(it));
                let ties = if self.limit == Limit::Best { Vec::new() } else { keys };
                let order: Vec<String> = rank.into_iter().chain(ties).collect();
                write!(f, " ORDER BY {}", order.join(", "))
            }
            Select::Rows { columns, is_distinct, order: None } => match is_distinct {
                true => write!(f, " ORDER BY {}", places(columns.len()).join(", ")),
                false => Ok(()),
            },
            Select::Rows { columns, order: Some((by, is_descending)), .. } => {
                write!(f, " ORDER BY {}{}", identifier(&by.name), direction(*is_descending))?;
                if self.limit == Limit::Best {
                    return Ok(());
                }
                let all: Vec<&Column> = self.table.columns.iter().collect();
                let shown = if columns.is_empty() { &all } else { columns };
                let ties =
                    shown.iter().zip(1..).filter(|(it, _)| it != &by && it.kind != Kind::Other);
                ties.map(|(_, place)| place).try_for_each(|place| write!(f, ", {place}"))
            }
        }
    }
}

/// Nulls come last in either direction; ascending, they do anyway.
fn direction(is_descending: bool) -> &'static str {
    if is_descending { " DESC NULLS LAST" } else { "" }
}

impl Display for Key<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (unit, format, column) = match self {
            Self::Column(column) => return write!(f, "{}", identifier(&column.name)),
            Self::Unit(Unit::Day, column) => ("day", "YYYY-MM-DD", column),
            Self::Unit(Unit::Month, column) => ("month", "YYYY-MM", column),
            Self::Unit(Unit::Year, column) => ("year", "YYYY", column),
        };
        write!(f, "to_char({}, '{format}') AS {unit}", identifier(&column.name))
    }
}

impl Display for Measure<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows => write!(f, "count(*)"),
            Self::Distinct(it) => write!(f, "count(DISTINCT {})", identifier(&it.name)),
            Self::Of(Function::Sum, it) => write!(f, "sum({})", identifier(&it.name)),
            Self::Of(Function::Minimum, it) => write!(f, "min({})", identifier(&it.name)),
            Self::Of(Function::Maximum, it) => write!(f, "max({})", identifier(&it.name)),
            // round() takes no number of digits for a double.
            Self::Of(Function::Average, it) => {
                write!(f, "round(avg({})::numeric, 2) AS avg", identifier(&it.name))
            }
        }
    }
}

impl Condition<'_> {
    /// The column, if this leaves it one value or one year.
    pub(super) fn pinned(&self) -> Option<&str> {
        match self {
            Self::Is(column, Comparison::Equal, _) | Self::Year(column, _) => Some(&column.name),
            Self::Is(..) | Self::Between(..) => None,
        }
    }
}

impl Display for Condition<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(column, comparison, value) => {
                let (left, right) = (operand(column), Operand(column, value));
                write!(f, "{left} {} {right}", operator(*comparison))
            }
            Self::Between(column, low, high) => {
                let (low, high) = (Operand(column, low), Operand(column, high));
                write!(f, "{} BETWEEN {low} AND {high}", operand(column))
            }
            Self::Year(column, year) => {
                let column = identifier(&column.name);
                let next = year + 1;
                write!(f, "{column} >= '{year}-01-01' AND {column} < '{next}-01-01'")
            }
        }
    }
}

/// A row without a value is different from any value.
fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "IS DISTINCT FROM",
        Comparison::Greater => ">",
        Comparison::AtLeast => ">=",
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
    }
}

/// A column as it is compared: text without case, a point in time by its day.
fn operand(column: &Column) -> String {
    let name = identifier(&column.name);
    match column.kind {
        Kind::Number | Kind::Boolean => name.into_owned(),
        Kind::Text => format!("lower({name})"),
        Kind::Other => format!("lower({name}::text)"),
        Kind::Time if column.type_name == "date" => name.into_owned(),
        Kind::Time => format!("{name}::date"),
    }
}

struct Operand<'a>(&'a Column, &'a Value);

impl Display for Operand<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.0.kind, self.1) {
            (_, Value::Bare(it)) => write!(f, "{it}"),
            (Kind::Text | Kind::Other, Value::Quoted(it)) => write!(f, "lower({})", literal(it)),
            (_, Value::Quoted(it)) => write!(f, "{}", literal(it)),
        }
    }
}

fn literal(text: &str) -> String {
    // Postgres has no character 0, so no value does.
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}
