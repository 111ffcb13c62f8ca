//! Decides which table and columns an intent means, and whether they can be
//! used like that. What could mean two things is a problem, never a choice.

use data_source::schema::{Column, Kind, Schema, Table};

use super::{
    intent::{Aggregate, Filter, Group, Intent, Problem, Rank, RankKind, Shown, Verb},
    names::Mention,
    query::{Condition, Key, Limit, Measure, Query, Select, Value},
    vocabulary::{Comparison, Function, Language},
    words,
};
use crate::folding::fold;

pub(super) fn bind<'a>(
    intent: &Intent,
    schema: &'a Schema,
    language: Language,
) -> Result<Query<'a>, Problem> {
    let index = find_table(intent, schema)?;
    let binder = Binder { index, table: &schema.tables[index], language };
    let select = match &intent.aggregate {
        Some(aggregate) => binder.aggregate(intent, aggregate)?,
        None => binder.rows(intent)?,
    };
    let conditions: Vec<Condition<'_>> =
        intent.filters.iter().map(|it| binder.condition(it)).collect::<Result<_, _>>()?;
    // "species is Adelie and species is Gentoo" means either, and says both.
    let pinned: Vec<&str> = conditions.iter().filter_map(Condition::pinned).collect();
    if (1..pinned.len()).any(|n| pinned[..n].contains(&pinned[n])) {
        return Err(Problem::Unclear);
    }
    let is_superlative = |it: &Rank| it.kind == RankKind::Superlative;
    let limit = match (intent.limit, &intent.rank) {
        (Some(limit), _) => Limit::Asked(limit),
        (None, Some(rank)) if is_superlative(rank) => Limit::Best,
        (None, _) => Limit::Open,
    };
    Ok(Query { table: binder.table, select, conditions, limit })
}

/// The only table that has everything that the question names.
fn find_table(intent: &Intent, schema: &Schema) -> Result<usize, Problem> {
    let has = |table: usize, it: &Mention| it.columns.iter().any(|column| column.table == table);
    let fits = |&table: &usize| {
        intent.tables.as_ref().is_none_or(|it| it.contains(&table))
            && mentions(intent).all(|it| has(table, it))
    };
    let fitting: Vec<usize> = (0..schema.tables.len()).filter(fits).collect();
    match fitting[..] {
        [only] => Ok(only),
        [] => Err(Problem::Apart),
        _ => {
            let name =
                |&it: &usize| format!("{}.{}", schema.tables[it].schema, schema.tables[it].name);
            Err(Problem::Ambiguous(fitting.iter().map(name).collect()))
        }
    }
}

/// Every column that is named, but for those that a date can stand in for.
fn mentions(intent: &Intent) -> impl Iterator<Item = &Mention> {
    let aggregated = intent.aggregate.iter().filter_map(|it| match it {
        Aggregate::Rows => None,
        Aggregate::Distinct(column) | Aggregate::Of(_, column) => Some(column),
    });
    let shown = intent.shown.iter().flat_map(|it| match it {
        Shown::Rows => &[][..],
        Shown::Columns(columns) => columns,
    });
    let filtered = intent.filters.iter().filter_map(|it| match it {
        Filter::Is(column, ..) | Filter::Between(column, ..) => Some(column),
        Filter::Year(..) => None,
    });
    let grouped = intent.groups.iter().filter(|it| it.unit.is_none());
    let grouped = grouped.filter_map(|it| it.column.as_ref());
    let ranked = intent.rank.iter().filter_map(|it| it.by.as_ref());
    aggregated.chain(shown).chain(filtered).chain(grouped).chain(ranked)
}

fn only_time(table: &Table) -> Option<&Column> {
    let mut times = table.columns.iter().filter(|it| it.kind == Kind::Time);
    let first = times.next()?;
    times.next().is_none().then_some(first)
}

struct Binder<'a> {
    index: usize,
    table: &'a Table,
    language: Language,
}

impl<'a> Binder<'a> {
    fn aggregate(&self, intent: &Intent, aggregate: &Aggregate) -> Result<Select<'a>, Problem> {
        let measure = match aggregate {
            Aggregate::Rows => Measure::Rows,
            Aggregate::Distinct(column) => Measure::Distinct(self.sortable(column)?),
            Aggregate::Of(function, column) => {
                let column = self.column(column)?;
                let is_fit = match function {
                    Function::Sum | Function::Average => column.kind == Kind::Number,
                    Function::Minimum | Function::Maximum => is_ordered(column),
                };
                if !is_fit {
                    return Err(Problem::Unfit(column.name.clone()));
                }
                Measure::Of(*function, column)
            }
        };
        let keys = match (&intent.rank, &intent.shown, intent.limit) {
            (None, None, None) => intent.groups.iter().map(|it| self.key(it)).collect(),
            (Some(rank), Some(Shown::Columns(columns)), _)
                if rank.by.is_none() && intent.groups.is_empty() =>
            {
                self.all_sortable(columns).map(|it| it.into_iter().map(Key::Column).collect())
            }
            _ => Err(Problem::Unclear),
        };
        let is_descending = intent.rank.as_ref().map(|it| it.is_descending);
        Ok(Select::Aggregate { keys: keys?, measure, is_descending })
    }

    fn rows(&self, intent: &Intent) -> Result<Select<'a>, Problem> {
        let Some(rank) = &intent.rank else {
            let is_distinct = intent.is_distinct || intent.verb == Some(Verb::Which);
            return match (&intent.shown, intent.verb, &intent.groups[..]) {
                (Some(Shown::Columns(columns)), Some(Verb::Show | Verb::Which), []) => {
                    let columns =
                        if is_distinct { self.all_sortable(columns)? } else { self.all(columns)? };
                    Ok(Select::Rows { columns, is_distinct, order: None })
                }
                (Some(Shown::Rows), Some(Verb::Show | Verb::Which), []) if !intent.is_distinct => {
                    Ok(Select::Rows { columns: Vec::new(), is_distinct: false, order: None })
                }
                _ => Err(Problem::Unclear),
            };
        };

        let by = match (&rank.by, &intent.shown, &intent.groups[..]) {
            (Some(by), _, []) => self.column(by)?,
            (None, Some(Shown::Rows), [Group { column: Some(by), unit: None }]) => {
                self.column(by)?
            }
            (None, Some(Shown::Columns(columns)), []) if columns.len() == 1 => {
                self.column(&columns[0])?
            }
            _ => return Err(Problem::Unclear),
        };
        if !is_ordered(by) {
            return Err(Problem::Unfit(by.name.clone()));
        }
        let mut columns = match &intent.shown {
            Some(Shown::Columns(columns)) => self.all(columns)?,
            None if rank.kind == RankKind::Values => vec![by],
            None | Some(Shown::Rows) => Vec::new(),
        };
        if !columns.is_empty() && !columns.contains(&by) {
            columns.push(by);
        }
        let is_whole = intent.shown.is_some() || intent.tables.is_some() || !columns.is_empty();
        if !is_whole || intent.is_distinct {
            return Err(Problem::Unclear);
        }
        Ok(Select::Rows { columns, is_distinct: false, order: Some((by, rank.is_descending)) })
    }

    fn condition(&self, filter: &Filter) -> Result<Condition<'a>, Problem> {
        match filter {
            Filter::Is(column, comparison, value) => {
                let column = self.column(column)?;
                let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
                if !is_equality && !is_ordered(column) {
                    return Err(Problem::Unfit(column.name.clone()));
                }
                Ok(Condition::Is(column, *comparison, self.value(column, value)?))
            }
            Filter::Between(column, low, high) => {
                let column = self.column(column)?;
                if !is_ordered(column) {
                    return Err(Problem::Unfit(column.name.clone()));
                }
                let (low, high) = (self.value(column, low)?, self.value(column, high)?);
                Ok(Condition::Between(column, low, high))
            }
            Filter::Year(Some(column), year) if self.is_here(column) => {
                let column = self.column(column)?;
                let value = self.value(column, &year.to_string())?;
                Ok(Condition::Is(column, Comparison::Equal, value))
            }
            Filter::Year(_, year) => only_time(self.table)
                .map(|it| Condition::Year(it, *year))
                .ok_or_else(|| Problem::Unknown(year.to_string())),
        }
    }

    fn value(&self, column: &Column, raw: &str) -> Result<Value, Problem> {
        let value = match column.kind {
            Kind::Number => words::number(raw, self.language).map(Value::Bare),
            Kind::Text | Kind::Other => Some(Value::Quoted(raw.to_owned())),
            Kind::Time => words::is_date(raw).then(|| Value::Quoted(raw.to_owned())),
            Kind::Boolean => match fold(raw).as_str() {
                "true" | "yes" | "verdadeiro" | "sim" => Some(Value::Bare("true".to_owned())),
                "false" | "falso" => Some(Value::Bare("false".to_owned())),
                _ => None,
            },
        };
        value.ok_or_else(|| Problem::Unfit(column.name.clone()))
    }

    fn key(&self, group: &Group) -> Result<Key<'a>, Problem> {
        match (&group.column, group.unit) {
            (Some(column), _) if self.is_here(column) => self.sortable(column).map(Key::Column),
            (_, Some(unit)) => {
                only_time(self.table).map(|it| Key::Unit(unit, it)).ok_or(Problem::Unclear)
            }
            _ => Err(Problem::Apart),
        }
    }

    fn all(&self, mentions: &[Mention]) -> Result<Vec<&'a Column>, Problem> {
        mentions.iter().map(|it| self.column(it)).collect()
    }

    fn all_sortable(&self, mentions: &[Mention]) -> Result<Vec<&'a Column>, Problem> {
        mentions.iter().map(|it| self.sortable(it)).collect()
    }

    /// A column that Postgres can group and sort by.
    fn sortable(&self, mention: &Mention) -> Result<&'a Column, Problem> {
        let column = self.column(mention)?;
        if column.kind == Kind::Other {
            return Err(Problem::Unfit(column.name.clone()));
        }
        Ok(column)
    }

    fn is_here(&self, mention: &Mention) -> bool {
        mention.columns.iter().any(|it| it.table == self.index)
    }

    fn column(&self, mention: &Mention) -> Result<&'a Column, Problem> {
        let here = mention.columns.iter().filter(|it| it.table == self.index);
        let columns: Vec<&Column> = here.map(|it| &self.table.columns[it.column]).collect();
        match columns[..] {
            [only] => Ok(only),
            [] => Err(Problem::Apart),
            _ => Err(Problem::Ambiguous(columns.iter().map(|it| it.name.clone()).collect())),
        }
    }
}

fn is_ordered(column: &Column) -> bool {
    matches!(column.kind, Kind::Number | Kind::Time)
}
