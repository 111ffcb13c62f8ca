//! What is asked for: the aggregate, the rows, their groups and their order.

use super::{Found, Parser, set};
use crate::builtin::{
    intent::{Aggregate, Group, Problem, Rank, RankKind, Shown, Verb},
    names::Mention,
    vocabulary::{Function, Tag},
};

impl Parser<'_> {
    /// "how many", "how many different species", "quantas species diferentes"
    pub(super) fn count(&mut self) -> Found {
        if !self.accept(&[Tag::Count]) {
            return Ok(false);
        }
        let before = self.at;
        let aggregate = self.counted_column().map(Aggregate::Distinct).unwrap_or_else(|| {
            self.at = before;
            Aggregate::Rows
        });
        set(&mut self.intent.aggregate, aggregate)?;
        Ok(true)
    }

    fn counted_column(&mut self) -> Option<Mention> {
        self.links();
        if self.accept(&[Tag::Distinct]) {
            self.links();
            return self.column();
        }
        let column = self.column()?;
        self.accept(&[Tag::Distinct]).then_some(column)
    }

    /// "average of body_mass_g", "body_mass_g médio", "total de penguins"
    pub(super) fn aggregate(&mut self) -> Found {
        let is_total = self.rest().first().is_some_and(|it| it.words == ["total"]);
        let (function, column) = match self.function() {
            Some(function) => {
                self.links();
                let column = self.column();
                if column.is_none() && is_total && self.table()? {
                    set(&mut self.intent.aggregate, Aggregate::Rows)?;
                    return Ok(true);
                }
                (Some(function), column)
            }
            None => {
                let column = self.column();
                (self.function(), column)
            }
        };
        let (Some(function), Some(column)) = (function, column) else { return Ok(false) };
        set(&mut self.intent.aggregate, Aggregate::Of(function, column))?;
        Ok(true)
    }

    fn function(&mut self) -> Option<Function> {
        self.take(|tag| match tag {
            Tag::Aggregate(function) => Some(function),
            _ => None,
        })
    }

    /// Whether the highest is meant, or else the lowest.
    fn extreme(&mut self) -> Option<bool> {
        self.take(|tag| match tag {
            Tag::Aggregate(Function::Maximum) => Some(true),
            Tag::Aggregate(Function::Minimum) => Some(false),
            _ => None,
        })
    }

    /// "with the highest latitude", "has the highest average latitude"
    pub(super) fn superlative(&mut self) -> Found {
        if !self.accept(&[Tag::With, Tag::Have]) {
            return Ok(false);
        }
        self.articles();
        let Some(is_descending) = self.extreme() else { return Ok(false) };
        let is_by_aggregate = matches!(self.tag(), Some(Tag::Aggregate(_) | Tag::Count));
        let by = if is_by_aggregate {
            None
        } else {
            self.links();
            let Some(column) = self.column() else { return Ok(false) };
            Some(column)
        };
        self.set_rank(RankKind::Superlative, by, is_descending)
    }

    /// "has the most airports"
    pub(super) fn most(&mut self) -> Found {
        if !self.accept(&[Tag::With, Tag::Have]) {
            return Ok(false);
        }
        self.articles();
        let most = self.take(|tag| match tag {
            Tag::Most(is_descending) => Some(is_descending),
            _ => None,
        });
        let Some(is_descending) = most else { return Ok(false) };
        if !self.rows_or_table()? {
            return Ok(false);
        }
        set(&mut self.intent.aggregate, Aggregate::Rows)?;
        self.set_rank(RankKind::Superlative, None, is_descending)
    }

    /// "top 5 airports", "the 5 largest airports", "3 highest latitudes", "5 airports"
    pub(super) fn top(&mut self) -> Found {
        let top = self.take(|tag| match tag {
            Tag::Top(is_descending) => Some(is_descending),
            _ => None,
        });
        let Some(limit) = self.whole_number().filter(|&it| it > 0) else { return Ok(false) };
        let extreme = if top.is_none() { self.extreme() } else { None };
        self.links();

        if self.rows_or_table()? {
            // "list the names of the 5 airports with": only the names are shown.
            if !matches!(self.intent.shown, Some(Shown::Columns(_))) {
                set(&mut self.intent.shown, Shown::Rows)?;
            }
            set(&mut self.intent.limit, limit)?;
            return match top.or(extreme) {
                Some(is_descending) => self.set_rank(RankKind::Top, None, is_descending),
                None => Ok(true),
            };
        }

        let Some(columns) = self.columns() else { return Ok(false) };
        set(&mut self.intent.limit, limit)?;
        match (top, extreme, &columns[..]) {
            (Some(is_descending), _, _) => {
                set(&mut self.intent.shown, Shown::Columns(columns))?;
                self.set_rank(RankKind::Top, None, is_descending)
            }
            (None, Some(is_descending), [only]) => {
                self.set_rank(RankKind::Values, Some(only.clone()), is_descending)
            }
            _ => Err(Problem::Unclear),
        }
    }

    /// "sorted by latitude descending"
    pub(super) fn sort(&mut self) -> Found {
        if !self.accept(&[Tag::SortBy]) {
            return Ok(false);
        }
        self.articles();
        let Some(column) = self.column() else { return Ok(false) };
        let direction = self.take(|tag| match tag {
            Tag::Direction(is_descending) => Some(is_descending),
            _ => None,
        });
        self.set_rank(RankKind::Sorted, Some(column), direction.unwrap_or(false))
    }

    /// "by species and island", "por mês"
    pub(super) fn group(&mut self) -> Found {
        if !self.accept(&[Tag::By]) {
            return Ok(false);
        }
        self.articles();
        // "top 5 species by average body_mass_g": the aggregate is the next clause.
        let is_top = self.intent.rank.as_ref().is_some_and(|it| it.kind == RankKind::Top);
        if is_top && matches!(self.tag(), Some(Tag::Aggregate(_) | Tag::Count)) {
            return Ok(true);
        }

        if !self.intent.groups.is_empty() {
            return Ok(false);
        }
        let Some(first) = self.key() else { return Ok(false) };
        self.intent.groups.push(first);
        loop {
            let before = self.at;
            let is_joined = self.accept_comma() | self.accept(&[Tag::And]);
            let key = if is_joined { self.key() } else { None };
            match key {
                Some(key) if !self.is_at_operator() => self.intent.groups.push(key),
                _ => {
                    self.at = before;
                    return Ok(true);
                }
            }
        }
    }

    fn key(&mut self) -> Option<Group> {
        self.articles();
        let start = self.at;
        let column = self.column();
        let after_column = self.at;
        self.at = start;
        let unit = self.take(|tag| match tag {
            Tag::Unit(unit) => Some(unit),
            _ => None,
        });
        self.at = self.at.max(after_column);
        (column.is_some() || unit.is_some()).then_some(Group { column, unit })
    }

    /// "list", "show the 10 penguins", "which species"
    pub(super) fn verb(&mut self) -> Found {
        let verb = self.take(|tag| match tag {
            Tag::Show => Some(Verb::Show),
            Tag::Which => Some(Verb::Which),
            Tag::WhichOne => Some(Verb::WhichOne),
            _ => None,
        });
        let Some(verb) = verb else { return Ok(false) };
        // "what is the name of": asks for one thing, as "qual" does.
        let before = self.at;
        let is_copula = verb != Verb::Show && self.accept(&[Tag::Is]);
        set(&mut self.intent.verb, if is_copula { Verb::WhichOne } else { verb })?;
        if !self.noun()? {
            self.at = before;
        }
        Ok(true)
    }

    fn noun(&mut self) -> Found {
        self.articles();
        let limit = self.whole_number().filter(|&it| it > 0);
        let is_distinct = self.accept(&[Tag::Distinct]);
        let shown = if self.rows_or_table()? {
            Shown::Rows
        } else {
            let Some(columns) = self.columns() else { return Ok(false) };
            // "show temp_max médio": the aggregate clause takes both words.
            if matches!(self.tag(), Some(Tag::Aggregate(_))) {
                return Ok(false);
            }
            Shown::Columns(columns)
        };
        let is_distinct_after = self.accept(&[Tag::Distinct]);
        self.intent.is_distinct = is_distinct || is_distinct_after;
        if let Some(limit) = limit {
            set(&mut self.intent.limit, limit)?;
        }
        set(&mut self.intent.shown, shown)?;
        Ok(true)
    }

    fn rows_or_table(&mut self) -> Found {
        Ok(self.accept(&[Tag::Rows]) || self.table()?)
    }

    /// "penguins", "the table penguins"
    pub(super) fn table(&mut self) -> Found {
        let Some(tables) = self.table_name() else { return Ok(false) };
        if self.intent.tables.get_or_insert_with(|| tables.clone()) != &tables {
            return Err(Problem::Unclear);
        }
        Ok(true)
    }

    fn set_rank(&mut self, kind: RankKind, by: Option<Mention>, is_descending: bool) -> Found {
        set(&mut self.intent.rank, Rank { kind, by, is_descending })?;
        Ok(true)
    }
}
