//! Columns, whichever way they are named.

use sqlparser::ast::{AccessExpr, Expr, Ident, ObjectName, Subscript};

use super::refusal::{Refusal, refuse_if};
use super::scope::{Columns, Scope};
use super::{Walk, names};

/// Columns that every table has unseen. They tell about the server and its
/// transactions.
const SYSTEM_COLUMNS: &[&str] = &["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

impl Walk<'_> {
    /// Accepts a name without a table: Postgres takes it for a column, or for all of
    /// a row, and never for a call.
    pub(super) fn identifier(&self, ident: &Ident, scope: &Scope<'_>) -> Result<(), Refusal> {
        if names::is_session_word(ident) {
            return Err(Refusal::function(ident));
        }
        if names::is_reserved(ident) {
            let message = format_args!("the keyword {ident} as a column's name");
            return Err(Refusal::construct(message));
        }
        let name = names::folded(ident);
        if SYSTEM_COLUMNS.contains(&name.as_str()) && !scope.has_column(&name) {
            return Err(Refusal::construct(format_args!("the system column {ident}")));
        }
        Ok(())
    }

    /// Accepts `table.column` if the table has the column. In Postgres, `table.f`
    /// is otherwise a call of the function `f` with the whole row.
    pub(super) fn column(&self, idents: &[Ident], scope: &Scope<'_>) -> Result<(), Refusal> {
        let written = || {
            let parts: Vec<_> = idents.iter().map(Ident::to_string).collect();
            parts.join(".")
        };
        let parts: Vec<_> = idents.iter().map(names::folded).collect();
        let (schema, table, column) = match parts.as_slice() {
            [table, column] => (None, table, column),
            [schema, table, column] => (Some(schema.as_str()), table, column),
            _ => return Err(Refusal::construct(written())),
        };
        let Some(columns) = scope.find_relation(schema, table) else {
            let message = format!("{} (nothing in FROM is called {table})", written());
            return Err(Refusal::construct(message));
        };
        if !columns.iter().any(|it| **it == **column) {
            let message = format!("{} ({table} has no column {column})", written());
            return Err(Refusal::construct(message));
        }
        Ok(())
    }

    pub(super) fn all_columns_of(
        &self,
        name: &ObjectName,
        scope: &Scope<'_>,
    ) -> Result<Columns, Refusal> {
        let found = match names::parts(name).unwrap_or_default().as_slice() {
            [table] => scope.find_relation(None, table),
            [schema, table] => scope.find_relation(Some(schema), table),
            _ => None,
        };
        let missing = || Refusal::construct(format_args!("{name}.* ({name} is not in FROM)"));
        found.ok_or_else(missing)
    }

    /// `column[1]` and `table.column[1]`. Access to a field, `(row).name`, may be a
    /// call as well, and is refused.
    pub(super) fn access(
        &self,
        root: &mut Expr,
        chain: &mut [AccessExpr],
        scope: &Scope<'_>,
    ) -> Result<(), Refusal> {
        let mut path = Vec::new();
        let mut rest = chain;
        if let Expr::Identifier(ident) = &*root {
            path.push(ident.clone());
            while let [AccessExpr::Dot(Expr::Identifier(ident)), behind @ ..] = rest {
                path.push(ident.clone());
                rest = behind;
            }
        }
        if path.len() > 1 {
            self.column(&path, scope)?;
        } else {
            self.expr(root, scope)?;
        }
        for access in rest {
            match access {
                AccessExpr::Dot(field) => {
                    let message = format_args!("access to a field: {root}.{field}");
                    return Err(Refusal::construct(message));
                }
                AccessExpr::Subscript(subscript) => self.subscript(subscript, scope)?,
            }
        }
        Ok(())
    }

    fn subscript(&self, subscript: &mut Subscript, scope: &Scope<'_>) -> Result<(), Refusal> {
        match subscript {
            Subscript::Index { index } => self.expr(index, scope),
            Subscript::Slice { lower_bound, upper_bound, stride } => {
                refuse_if(stride.is_some(), "a slice with a stride")?;
                self.exprs(lower_bound, scope)?;
                self.exprs(upper_bound, scope)
            }
        }
    }
}
