//! `SELECT`, from its list to its windows.

use std::rc::Rc;

use sqlparser::ast::{
    self, Distinct, GroupByExpr, NamedWindowDefinition, NamedWindowExpr, Select, SelectFlavor,
    SelectItem, SelectItemQualifiedWildcardKind,
};

use super::query::Output;
use super::refusal::{Refusal, refuse_if};
use super::scope::{Scope, append};
use super::{Walk, names, output};

impl Walk<'_> {
    pub(super) fn select(&self, select: &mut Select, outer: &Scope<'_>) -> Result<Output, Refusal> {
        let Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        refuse_if(!optimizer_hints.is_empty(), "a hint to the optimizer (a comment with +)")?;
        refuse_if(select_modifiers.is_some(), "a MySQL modifier behind SELECT")?;
        refuse_if(top.is_some(), "TOP (use LIMIT)")?;
        refuse_if(exclude.is_some(), "EXCLUDE")?;
        refuse_if(into.is_some(), "SELECT INTO")?;
        refuse_if(!lateral_views.is_empty(), "LATERAL VIEW")?;
        refuse_if(prewhere.is_some(), "PREWHERE")?;
        refuse_if(!connect_by.is_empty(), "CONNECT BY (use WITH RECURSIVE)")?;
        refuse_if(!cluster_by.is_empty(), "CLUSTER BY")?;
        refuse_if(!distribute_by.is_empty(), "DISTRIBUTE BY")?;
        refuse_if(!sort_by.is_empty(), "SORT BY")?;
        refuse_if(qualify.is_some(), "QUALIFY (filter in an outer query)")?;
        refuse_if(value_table_mode.is_some(), "AS STRUCT or AS VALUE")?;
        refuse_if(*flavor != SelectFlavor::Standard, "FROM before SELECT")?;

        let relations = self.from(from, outer)?;
        let scope = outer.nested(relations.clone());
        match distinct {
            None | Some(Distinct::All | Distinct::Distinct) => {}
            Some(Distinct::On(exprs)) => self.exprs(exprs, &scope)?,
        }
        let mut columns = Vec::new();
        for item in projection {
            self.select_item(item, &scope, &mut columns)?;
        }
        self.exprs(selection, &scope)?;
        self.group_by(group_by, &scope)?;
        self.exprs(having, &scope)?;
        for NamedWindowDefinition(_, window) in named_window {
            match window {
                NamedWindowExpr::NamedWindow(_) => {}
                NamedWindowExpr::WindowSpec(spec) => self.window(spec, &scope)?,
            }
        }
        Ok(Output { columns: columns.into(), relations })
    }

    fn group_by(&self, group_by: &mut GroupByExpr, scope: &Scope<'_>) -> Result<(), Refusal> {
        match group_by {
            GroupByExpr::All(_) => Err(Refusal::construct("GROUP BY ALL")),
            GroupByExpr::Expressions(exprs, modifiers) => {
                refuse_if(!modifiers.is_empty(), "WITH behind GROUP BY")?;
                self.exprs(exprs, scope)
            }
        }
    }

    fn select_item(
        &self,
        item: &mut SelectItem,
        scope: &Scope<'_>,
        columns: &mut Vec<Rc<str>>,
    ) -> Result<(), Refusal> {
        use SelectItemQualifiedWildcardKind as Kind;
        match item {
            SelectItem::UnnamedExpr(expr) => {
                self.expr(expr, scope)?;
                columns.push(output::name(expr).into());
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let is_text = alias.quote_style == Some('\'');
                refuse_if(is_text, "an alias in single quotes (use double quotes)")?;
                self.expr(expr, scope)?;
                columns.push(names::folded(alias).into());
            }
            SelectItem::ExprWithAliases { .. } => {
                return Err(Refusal::construct("several aliases for one expression"));
            }
            SelectItem::QualifiedWildcard(Kind::ObjectName(name), options) => {
                check_wildcard(options)?;
                append(columns, &self.all_columns_of(name, scope)?)?;
            }
            SelectItem::QualifiedWildcard(Kind::Expr(_), _) => {
                return Err(Refusal::construct("(expression).*"));
            }
            SelectItem::Wildcard(options) => {
                check_wildcard(options)?;
                for relation in scope.relations() {
                    append(columns, &relation.columns)?;
                }
            }
        }
        Ok(())
    }
}

fn check_wildcard(options: &ast::WildcardAdditionalOptions) -> Result<(), Refusal> {
    let ast::WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    let is_changed = opt_ilike.is_some()
        || opt_exclude.is_some()
        || opt_except.is_some()
        || opt_replace.is_some()
        || opt_rename.is_some()
        || opt_alias.is_some();
    refuse_if(is_changed, "* with an addition (name the columns)")
}
