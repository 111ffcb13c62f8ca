//! What a name means at one point of a statement: the CTEs and the tables of FROM
//! that are visible there, from the inside out.

use std::iter;
use std::rc::Rc;

use super::refusal::Refusal;

/// The most columns that Postgres returns.
const MAX_COLUMNS: usize = 1664;

/// The names of a relation's columns, in order.
pub(super) type Columns = Rc<[Rc<str>]>;

/// Adds columns to others, up to the limit: CTEs that join each other twice have
/// twice as many columns each time.
pub(super) fn append(columns: &mut Vec<Rc<str>>, more: &Columns) -> Result<(), Refusal> {
    if columns.len() + more.len() > MAX_COLUMNS {
        return Err(Refusal::too_large(format_args!("{MAX_COLUMNS} columns")));
    }
    columns.extend_from_slice(more);
    Ok(())
}

#[derive(Clone, Debug)]
pub(super) struct Relation {
    /// The schema, unless an alias hides it.
    pub(super) schema: Option<String>,
    pub(super) name: Option<String>,
    pub(super) columns: Columns,
}

impl Relation {
    pub(super) fn named(name: impl Into<String>, columns: Columns) -> Self {
        Self { schema: None, name: Some(name.into()), columns }
    }
}

#[derive(Debug)]
struct Cte {
    name: String,
    columns: Columns,
}

#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    outer: Option<&'a Scope<'a>>,
    ctes: Vec<Cte>,
    relations: Vec<Relation>,
}

impl Scope<'_> {
    /// A scope inside this one that sees these relations first.
    pub(super) fn nested(&self, relations: Vec<Relation>) -> Scope<'_> {
        Scope { outer: Some(self), ctes: Vec::new(), relations }
    }

    /// Makes a CTE visible; a later one hides an earlier one of the same name.
    pub(super) fn define(&mut self, name: String, columns: Columns) {
        self.ctes.push(Cte { name, columns });
    }

    /// Makes a CTE visible behind those that are already there.
    pub(super) fn define_behind(&mut self, name: String, columns: Columns) {
        self.ctes.insert(0, Cte { name, columns });
    }

    pub(super) fn find_cte(&self, name: &str) -> Option<Columns> {
        let found = self.outwards().flat_map(|scope| scope.ctes.iter().rev());
        found.into_iter().find(|cte| cte.name == name).map(|cte| cte.columns.clone())
    }

    pub(super) fn find_relation(&self, schema: Option<&str>, name: &str) -> Option<Columns> {
        let is_meant = |it: &&Relation| {
            it.name.as_deref() == Some(name) && (schema.is_none() || it.schema.as_deref() == schema)
        };
        let mut relations = self.outwards().flat_map(|scope| &scope.relations);
        relations.find(is_meant).map(|it| it.columns.clone())
    }

    /// Whether a table of the innermost FROM has a column of the name.
    pub(super) fn has_column(&self, name: &str) -> bool {
        let innermost = self.outwards().find(|scope| !scope.relations.is_empty());
        let mut columns = innermost.iter().flat_map(|it| &it.relations).flat_map(|it| &*it.columns);
        columns.any(|column| **column == *name)
    }

    /// The tables that `*` stands for.
    pub(super) fn relations(&self) -> &[Relation] {
        &self.relations
    }

    fn outwards(&self) -> impl Iterator<Item = &Scope<'_>> {
        iter::successors(Some(self), |scope| scope.outer)
    }
}
