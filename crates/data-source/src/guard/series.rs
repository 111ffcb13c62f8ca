//! `generate_series` in FROM, as Postgres can stop it.
//!
//! A function in FROM has all of its rows written down before the first is used; in
//! a select list they come one by one. `FROM generate_series(1, 9) AS g` becomes
//! `FROM LATERAL (SELECT generate_series(1, 9)) AS g (g)`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Query, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor,
    TableFunctionArgs, Visit, VisitMut, Visitor, VisitorMut,
};

use super::{names, parse};

const NAME: &str = "generate_series";

/// Rewrites every such call whose result the statement reads by its column alone.
pub(super) fn stream(query: &mut Query) {
    let mut rows = Rows::default();
    let _: ControlFlow<()> = Visit::visit(&*query, &mut rows);
    let _: ControlFlow<()> = VisitMut::visit(query, &mut Streamed { rows });
}

/// The names that may stand for a whole row. That of a function's result is the
/// value itself, that of a subquery's a record.
#[derive(Default)]
struct Rows {
    words: BTreeSet<String>,
    wildcards: BTreeSet<String>,
}

impl Visitor for Rows {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => {
                self.words.insert(names::folded(ident));
            }
            Expr::QualifiedWildcard(name, _) => self.wildcard(name),
            Expr::Function(Function { args: FunctionArguments::List(list), .. }) => {
                for arg in &list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) = arg {
                        self.wildcard(name);
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Rows {
    fn wildcard(&mut self, name: &ObjectName) {
        self.wildcards.extend(names::parts(name).into_iter().flatten());
    }

    fn may_hold(&self, table: &str, column: &str) -> bool {
        self.wildcards.contains(table) || (table != column && self.words.contains(table))
    }
}

struct Streamed {
    rows: Rows,
}

impl VisitorMut for Streamed {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let Some(series) = Series::of(factor)
            && !self.rows.may_hold(&names::folded(&series.table), &names::folded(&series.column))
        {
            *factor = series.selected();
        }
        ControlFlow::Continue(())
    }
}

/// A call of `generate_series` in FROM, and what its result is called.
struct Series {
    function: ObjectName,
    args: Vec<FunctionArg>,
    table: Ident,
    column: Ident,
}

impl Series {
    fn of(factor: &TableFactor) -> Option<Self> {
        let (function, args, alias) = call(factor)?;
        let is_ours = names::parts(function)?.last().is_some_and(|it| it == NAME);
        let (table, column) = names_of(alias)?;
        is_ours.then(|| Self { function: function.clone(), args: args.to_vec(), table, column })
    }

    fn selected(self) -> TableFactor {
        let args =
            FunctionArgumentList { duplicate_treatment: None, args: self.args, clauses: vec![] };
        let function = Function {
            name: self.function,
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args: FunctionArguments::List(args),
            filter: None,
            null_treatment: None,
            over: None,
            within_group: vec![],
        };
        let column = TableAliasColumnDef { name: self.column, data_type: None };
        TableFactor::Derived {
            lateral: true,
            subquery: Box::new(select(Expr::Function(function))),
            alias: Some(TableAlias {
                explicit: true,
                name: self.table,
                columns: vec![column],
                at: None,
            }),
            sample: None,
        }
    }
}

/// The function, the arguments and the alias of a call without additions.
fn call(factor: &TableFactor) -> Option<(&ObjectName, &[FunctionArg], Option<&TableAlias>)> {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args: Some(TableFunctionArgs { args, settings: None }),
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
        } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty() => {
            Some((name, args, alias.as_ref()))
        }
        TableFactor::Function { lateral: _, name, args, with_ordinality: false, alias } => {
            Some((name, args, alias.as_ref()))
        }
        _ => None,
    }
}

/// What the table and its column are called: an alias without columns names both.
fn names_of(alias: Option<&TableAlias>) -> Option<(Ident, Ident)> {
    let Some(TableAlias { explicit: _, name, columns, at }) = alias else {
        return Some((Ident::new(NAME), Ident::new(NAME)));
    };
    match columns.as_slice() {
        _ if at.is_some() => None,
        [] => Some((name.clone(), name.clone())),
        [TableAliasColumnDef { name: column, data_type: None }] => {
            Some((name.clone(), column.clone()))
        }
        _ => None,
    }
}

fn select(expr: Expr) -> Query {
    let mut query = parse::printed("SELECT 1").expect("this is a query");
    if let SetExpr::Select(select) = &mut *query.body {
        select.projection = vec![SelectItem::UnnamedExpr(expr)];
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let mut query = parse::untrusted(sql).unwrap();
        stream(&mut query);
        assert_eq!(query.to_string(), expected);
    }

    #[test]
    fn a_series_whose_rows_may_be_named_stays_a_function() {
        for sql in [
            "SELECT g FROM generate_series(1, 3) AS g (n)",
            "SELECT (SELECT max(G) FROM t) FROM generate_series(1, 3) AS g (n)",
            "SELECT count(g.*) FROM generate_series(1, 3) AS g",
            "SELECT (g.*) IS NULL FROM generate_series(1, 3) AS g",
        ] {
            check(sql, sql);
        }
    }

    #[test]
    fn a_series_with_an_addition_stays_a_function() {
        for sql in [
            "SELECT * FROM generate_series(1, 3) WITH ORDINALITY",
            "SELECT * FROM generate_series(1, 3) AS g (a, b)",
            "SELECT * FROM jsonb_each(a) AS g",
        ] {
            check(sql, sql);
        }
    }

    #[test]
    fn a_series_becomes_a_select_with_the_same_names() {
        let select = "LATERAL (SELECT generate_series(1, 3))";
        for (call, alias) in [
            ("generate_series(1, 3)", "generate_series (generate_series)"),
            ("generate_series(1, 3) g", "g (g)"),
            ("generate_series(1, 3) AS g(n)", "g (n)"),
            ("LATERAL generate_series(1, 3) AS \"G\"", "\"G\" (\"G\")"),
        ] {
            check(&format!("SELECT 1 FROM {call}"), &format!("SELECT 1 FROM {select} AS {alias}"));
        }
        check(
            "SELECT g.n FROM t LEFT JOIN pg_catalog.generate_series(1, t.a) AS g(n) ON true",
            "SELECT g.n FROM t LEFT JOIN LATERAL (SELECT pg_catalog.generate_series(1, t.a)) \
             AS g (n) ON true",
        );
    }
}
