//! The names that Postgres gives to the columns of a query's result.

use sqlparser::ast::{AccessExpr, Expr, Query, SelectItem, SetExpr, TrimWhereField};

use super::names;

/// The name of a column without an alias.
pub(super) fn name(expr: &Expr) -> String {
    chosen(expr).unwrap_or_else(|| fallback(expr))
}

/// The name that an expression has of itself.
fn chosen(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(names::folded(ident)),
        Expr::CompoundIdentifier(idents) => idents.last().map(names::folded),
        Expr::CompoundFieldAccess { root, access_chain } => {
            access_chain.iter().rev().find_map(field).or_else(|| chosen(root))
        }
        Expr::Function(call) => names::parts(&call.name)?.pop(),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => chosen(inner),
        Expr::Collate { expr: inner, .. } => chosen(inner),
        Expr::Case { else_result: Some(inner), .. } => chosen(inner),
        Expr::Subquery(query) => first_column(query),
        Expr::Exists { .. } => Some("exists".to_owned()),
        Expr::Array(_) => Some("array".to_owned()),
        Expr::Extract { .. } => Some("extract".to_owned()),
        Expr::AtTimeZone { .. } => Some("timezone".to_owned()),
        Expr::Ceil { .. } => Some("ceil".to_owned()),
        Expr::Floor { .. } => Some("floor".to_owned()),
        Expr::Position { .. } => Some("position".to_owned()),
        Expr::Overlay { .. } => Some("overlay".to_owned()),
        Expr::Substring { shorthand, .. } => {
            Some(if *shorthand { "substr" } else { "substring" }.to_owned())
        }
        Expr::Trim { trim_where, .. } => Some(trim(*trim_where).to_owned()),
        _ => None,
    }
}

fn field(access: &AccessExpr) -> Option<String> {
    match access {
        AccessExpr::Dot(Expr::Identifier(ident)) => Some(names::folded(ident)),
        AccessExpr::Dot(_) | AccessExpr::Subscript(_) => None,
    }
}

fn fallback(expr: &Expr) -> String {
    match expr {
        Expr::Nested(inner) => fallback(inner),
        Expr::Cast { data_type, .. } => data_type.to_string().to_lowercase(),
        Expr::TypedString(typed) => typed.data_type.to_string().to_lowercase(),
        Expr::Interval(_) => "interval".to_owned(),
        Expr::Case { .. } => "case".to_owned(),
        _ => "?column?".to_owned(),
    }
}

fn trim(side: Option<TrimWhereField>) -> &'static str {
    match side {
        None | Some(TrimWhereField::Both) => "btrim",
        Some(TrimWhereField::Leading) => "ltrim",
        Some(TrimWhereField::Trailing) => "rtrim",
    }
}

fn first_column(query: &Query) -> Option<String> {
    match &*query.body {
        SetExpr::Select(select) => match select.projection.first()? {
            SelectItem::ExprWithAlias { alias, .. } => Some(names::folded(alias)),
            SelectItem::UnnamedExpr(expr) => Some(name(expr)),
            _ => None,
        },
        SetExpr::Query(query) => first_column(query),
        _ => None,
    }
}
