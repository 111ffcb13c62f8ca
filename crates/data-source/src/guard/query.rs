//! The clauses of a query.

use std::rc::Rc;

use sqlparser::ast::{
    self, LimitClause, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort, SetExpr,
    SetQuantifier, TableAlias,
};

use super::refusal::{Refusal, refuse_if};
use super::scope::{Columns, Relation, Scope};
use super::{Walk, names};

/// What is known about a query once it has been walked.
pub(super) struct Output {
    pub(super) columns: Columns,
    /// What ORDER BY sees: the tables of FROM, unless the query is a set operation.
    pub(super) relations: Vec<Relation>,
}

impl Output {
    fn of(columns: Columns) -> Self {
        Self { columns, relations: Vec::new() }
    }
}

impl Walk<'_> {
    pub(super) fn query(
        &self,
        query: &mut ast::Query,
        outer: &Scope<'_>,
    ) -> Result<Output, Refusal> {
        self.query_or_cte(query, outer, None)
    }

    /// Walks a query; `recursive` is the name under which it may read itself.
    fn query_or_cte(
        &self,
        query: &mut ast::Query,
        outer: &Scope<'_>,
        recursive: Option<&TableAlias>,
    ) -> Result<Output, Refusal> {
        let ast::Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        refuse_if(!locks.is_empty(), "a row lock (FOR UPDATE, FOR SHARE)")?;
        refuse_if(for_clause.is_some(), "FOR XML or FOR JSON")?;
        refuse_if(settings.is_some(), "SETTINGS")?;
        refuse_if(format_clause.is_some(), "FORMAT")?;
        refuse_if(!pipe_operators.is_empty(), "a pipe operator")?;

        let mut scope = outer.nested(Vec::new());
        if let Some(with) = with {
            self.with(with, &mut scope)?;
        }
        let output = match (recursive, &mut **body) {
            (Some(alias), SetExpr::SetOperation { left, right, set_quantifier, op: _ }) => {
                self.recursion(alias, (left, right), *set_quantifier, &mut scope)?
            }
            (_, body) => self.set_expr(body, &scope)?,
        };

        let result = Relation { schema: None, name: None, columns: output.columns.clone() };
        let visible = output.relations.iter().cloned().chain([result]).collect();
        let scope = scope.nested(visible);
        if let Some(order_by) = order_by {
            self.order_by(order_by, &scope)?;
        }
        if let Some(limit) = limit_clause {
            self.limit(limit, &scope)?;
        }
        if let Some(ast::Fetch { with_ties: _, percent, quantity }) = fetch {
            refuse_if(*percent, "FETCH with PERCENT")?;
            self.exprs(quantity, &scope)?;
        }
        Ok(output)
    }

    fn with(&self, with: &mut ast::With, scope: &mut Scope<'_>) -> Result<(), Refusal> {
        let ast::With { with_token: _, recursive, cte_tables } = with;
        if *recursive {
            // Each may read all of them, but their columns are not known yet.
            for cte in cte_tables.iter() {
                scope.define(names::folded(&cte.alias.name), Columns::default());
            }
        }
        for cte in cte_tables {
            let ast::Cte { alias, query, from, materialized: _, closing_paren_token: _ } = cte;
            refuse_if(from.is_some(), "FROM behind a CTE")?;
            let output = self.query_or_cte(query, scope, recursive.then_some(&*alias))?;
            let columns = self.renamed(&output.columns, alias)?;
            scope.define(names::folded(&alias.name), columns);
        }
        Ok(())
    }

    /// A recursive CTE takes its columns from the left side and reads them on the
    /// right side.
    fn recursion(
        &self,
        alias: &TableAlias,
        (left, right): (&mut SetExpr, &mut SetExpr),
        quantifier: SetQuantifier,
        scope: &mut Scope<'_>,
    ) -> Result<Output, Refusal> {
        check_quantifier(quantifier)?;
        let output = self.set_expr(left, scope)?;
        let columns = self.renamed(&output.columns, alias)?;
        scope.define_behind(names::folded(&alias.name), columns);
        self.set_expr(right, scope)?;
        Ok(Output::of(output.columns))
    }

    fn set_expr(&self, body: &mut SetExpr, outer: &Scope<'_>) -> Result<Output, Refusal> {
        match body {
            SetExpr::Select(select) => self.select(select, outer),
            SetExpr::Query(query) => self.query(query, outer),
            SetExpr::SetOperation { left, right, set_quantifier, op: _ } => {
                check_quantifier(*set_quantifier)?;
                let output = self.set_expr(left, outer)?;
                self.set_expr(right, outer)?;
                Ok(Output::of(output.columns))
            }
            SetExpr::Values(ast::Values { explicit_row, value_keyword, rows }) => {
                refuse_if(*explicit_row || *value_keyword, "VALUES with ROW, or VALUE")?;
                let width = rows.first().map_or(0, |row| row.content.len());
                for row in rows {
                    self.exprs(&mut row.content, outer)?;
                }
                let columns = (1..=width).map(|n| Rc::from(format!("column{n}")));
                Ok(Output::of(columns.collect()))
            }
            SetExpr::Insert(_) => Err(Refusal::not_a_query("INSERT")),
            SetExpr::Update(_) => Err(Refusal::not_a_query("UPDATE")),
            SetExpr::Delete(_) => Err(Refusal::not_a_query("DELETE")),
            SetExpr::Merge(_) => Err(Refusal::not_a_query("MERGE")),
            SetExpr::Table(_) => Err(Refusal::not_a_query("TABLE (write SELECT * FROM)")),
        }
    }

    fn order_by(&self, order_by: &mut OrderBy, scope: &Scope<'_>) -> Result<(), Refusal> {
        let OrderBy { kind, interpolate } = order_by;
        refuse_if(interpolate.is_some(), "INTERPOLATE")?;
        match kind {
            OrderByKind::All(_) => Err(Refusal::construct("ORDER BY ALL")),
            OrderByKind::Expressions(exprs) => self.order_by_exprs(exprs, scope),
        }
    }

    pub(super) fn order_by_exprs(
        &self,
        exprs: &mut [OrderByExpr],
        scope: &Scope<'_>,
    ) -> Result<(), Refusal> {
        for OrderByExpr { expr, options, with_fill } in exprs {
            let OrderByOptions { sort, nulls_first: _ } = options;
            refuse_if(matches!(sort, Some(OrderBySort::Using(_))), "ORDER BY with USING")?;
            refuse_if(with_fill.is_some(), "WITH FILL")?;
            self.expr(expr, scope)?;
        }
        Ok(())
    }

    fn limit(&self, limit: &mut LimitClause, scope: &Scope<'_>) -> Result<(), Refusal> {
        match limit {
            LimitClause::LimitOffset { limit, offset, limit_by } => {
                refuse_if(!limit_by.is_empty(), "LIMIT BY")?;
                self.exprs(limit, scope)?;
                self.exprs(offset.as_mut().map(|it| &mut it.value), scope)
            }
            LimitClause::OffsetCommaLimit { .. } => {
                Err(Refusal::construct("LIMIT with two numbers (use LIMIT and OFFSET)"))
            }
        }
    }
}

fn check_quantifier(quantifier: SetQuantifier) -> Result<(), Refusal> {
    match quantifier {
        SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None => Ok(()),
        SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName => {
            Err(Refusal::construct("a set operation BY NAME"))
        }
    }
}
