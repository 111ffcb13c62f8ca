//! Expressions.

use sqlparser::ast::{self, CastKind, Expr, ObjectName};

use super::refusal::{Refusal, refuse_if};
use super::scope::Scope;
use super::{Walk, literal, names, operators, types};

impl Walk<'_> {
    pub(super) fn exprs<'e>(
        &self,
        exprs: impl IntoIterator<Item = &'e mut Expr>,
        scope: &Scope<'_>,
    ) -> Result<(), Refusal> {
        exprs.into_iter().try_for_each(|expr| self.expr(expr, scope))
    }

    pub(super) fn expr(&self, expr: &mut Expr, scope: &Scope<'_>) -> Result<(), Refusal> {
        match expr {
            Expr::Identifier(ident) => self.identifier(ident, scope),
            Expr::CompoundIdentifier(idents) => self.column(idents, scope),
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.access(root, access_chain, scope)
            }
            Expr::QualifiedWildcard(name, _) => self.all_columns_of(name, scope).map(|_| ()),
            Expr::Value(value) => literal::check(&value.value),

            Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner)
            | Expr::Nested(inner)
            | Expr::IsJson { expr: inner, kind: _, unique_keys: _, negated: _ }
            | Expr::IsNormalized { expr: inner, form: _, negated: _ }
            | Expr::Extract { expr: inner, field: _, syntax: _ } => self.expr(inner, scope),
            Expr::IsDistinctFrom(left, right)
            | Expr::IsNotDistinctFrom(left, right)
            | Expr::AtTimeZone { timestamp: left, time_zone: right }
            | Expr::Position { expr: left, r#in: right } => {
                self.exprs([&mut **left, &mut **right], scope)
            }
            Expr::InList { expr, list, negated: _ } => {
                self.expr(expr, scope)?;
                self.exprs(list, scope)
            }
            Expr::InSubquery { expr, subquery, negated: _ } => {
                self.expr(expr, scope)?;
                self.query(subquery, scope).map(|_| ())
            }
            Expr::Exists { subquery, negated: _ } | Expr::Subquery(subquery) => {
                self.query(subquery, scope).map(|_| ())
            }
            Expr::Between { expr, negated: _, low, high } => {
                self.exprs([&mut **expr, &mut **low, &mut **high], scope)
            }
            Expr::BinaryOp { left, op, right }
            | Expr::AnyOp { left, compare_op: op, right, is_some: _ }
            | Expr::AllOp { left, compare_op: op, right } => {
                operators::check(op)?;
                self.exprs([&mut **left, &mut **right], scope)
            }
            Expr::UnaryOp { op, expr } => {
                operators::check_prefix(*op)?;
                self.expr(expr, scope)
            }
            Expr::Like { negated: _, any: _, expr, pattern, escape_char }
            | Expr::ILike { negated: _, any: _, expr, pattern, escape_char } => {
                self.expr(expr, scope)?;
                self.pattern(pattern, scope)?;
                self.exprs(escape_char.as_deref_mut(), scope)
            }
            Expr::SimilarTo { negated: _, expr, pattern, escape_char } => {
                self.exprs([&mut **expr, &mut **pattern], scope)?;
                self.exprs(escape_char.as_deref_mut(), scope)
            }
            Expr::Cast { kind, expr, data_type, format } => {
                let is_ours = matches!(kind, CastKind::Cast | CastKind::DoubleColon);
                refuse_if(!is_ours || format.is_some(), "a cast other than CAST and ::")?;
                types::check(data_type, &self.catalog)?;
                self.expr(expr, scope)
            }
            Expr::TypedString(ast::TypedString { data_type, value, uses_odbc_syntax }) => {
                refuse_if(*uses_odbc_syntax, "{d ...}")?;
                types::check(data_type, &self.catalog)?;
                literal::check(&value.value)
            }
            Expr::Ceil { expr, field } | Expr::Floor { expr, field } => {
                let is_plain = matches!(
                    field,
                    ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime)
                );
                refuse_if(!is_plain, "CEIL and FLOOR with an addition")?;
                self.expr(expr, scope)
            }
            Expr::Substring { expr, substring_from, substring_for, special: _, shorthand: _ } => {
                self.expr(expr, scope)?;
                self.exprs(substring_from.as_deref_mut(), scope)?;
                self.exprs(substring_for.as_deref_mut(), scope)
            }
            Expr::Trim { trim_where: _, trim_what, expr, trim_characters } => {
                self.expr(expr, scope)?;
                self.exprs(trim_what.as_deref_mut(), scope)?;
                self.exprs(trim_characters.iter_mut().flatten(), scope)
            }
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                self.exprs([&mut **expr, &mut **overlay_what, &mut **overlay_from], scope)?;
                self.exprs(overlay_for.as_deref_mut(), scope)
            }
            Expr::Collate { expr, collation } => {
                check_collation(collation)?;
                self.expr(expr, scope)
            }
            Expr::Function(function) => self.function(function, scope),
            Expr::Case { case_token: _, end_token: _, operand, conditions, else_result } => {
                self.exprs(operand.as_deref_mut(), scope)?;
                for ast::CaseWhen { condition, result } in conditions {
                    self.exprs([condition, result], scope)?;
                }
                self.exprs(else_result.as_deref_mut(), scope)
            }
            Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
                self.exprs(sets.iter_mut().flatten(), scope)
            }
            Expr::Tuple(exprs) => self.exprs(exprs, scope),
            Expr::Array(ast::Array { elem, named: _ }) => self.exprs(elem, scope),
            Expr::Interval(interval) => {
                let ast::Interval {
                    value,
                    leading_field: _,
                    leading_precision: _,
                    last_field: _,
                    fractional_seconds_precision: _,
                } = interval;
                self.expr(value, scope)
            }

            Expr::JsonAccess { .. }
            | Expr::InUnnest { .. }
            | Expr::RLike { .. }
            | Expr::Convert { .. }
            | Expr::Prefixed { .. }
            | Expr::Struct { .. }
            | Expr::Named { .. }
            | Expr::Dictionary(_)
            | Expr::Map(_)
            | Expr::MatchAgainst { .. }
            | Expr::Wildcard(_)
            | Expr::OuterJoin(_)
            | Expr::Prior(_)
            | Expr::Lambda(_)
            | Expr::MemberOf(_) => Err(Refusal::construct(&*expr)),
        }
    }

    /// What stands behind LIKE. The parser takes `ALL (...)` for a call there.
    fn pattern(&self, pattern: &mut Expr, scope: &Scope<'_>) -> Result<(), Refusal> {
        match pattern {
            Expr::Function(all) if is_word(&all.name, "all") => self.function_parts(all, scope),
            _ => self.expr(pattern, scope),
        }
    }
}

fn is_word(name: &ObjectName, word: &str) -> bool {
    name.0.len() == 1 && name.to_string().eq_ignore_ascii_case(word)
}

fn check_collation(collation: &ObjectName) -> Result<(), Refusal> {
    let parts = names::parts(collation).unwrap_or_default();
    let is_allowed = match parts.as_slice() {
        [_] => true,
        [schema, _] => schema == "pg_catalog",
        _ => false,
    };
    let refused = || Refusal::construct(format_args!("the collation {collation}"));
    if is_allowed { Ok(()) } else { Err(refused()) }
}
