//! From the tree to the text that runs.
//!
//! The library prints a quote after a backslash as it finds it, so that
//! `'x\'', f() --'` would come back as `'x\', f() --'`. Hence literals and quoted
//! names are doubled here, and the text is read again and compared with the tree.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, Query, TableAlias, TableFactor, UnaryOperator, Value, ValueWithSpan, VisitMut,
    VisitorMut,
};
use sqlparser::tokenizer::Token;

use super::operators::begins_comment;
use super::refusal::Refusal;
use super::{limits, parse};

/// Rewrites what can be said in several ways into the plainest of them.
pub(super) fn normalise(query: &mut Query) {
    let _: ControlFlow<()> = VisitMut::visit(query, &mut Plain);
}

/// The text of a tree, which reads back as the same tree.
pub(super) fn print(query: &Query) -> Result<String, Refusal> {
    let mut doubled = query.clone();
    let _: ControlFlow<()> = VisitMut::visit(&mut doubled, &mut Doubled);
    let text = doubled.to_string();

    let mut read_back = parse::printed(&text).map_err(|_| unfaithful(&text))?;
    normalise(&mut read_back);
    if read_back == *query && !has_comment(&text)? { Ok(text) } else { Err(unfaithful(&text)) }
}

/// Whether Postgres could see a comment outside literals and quoted names. There is
/// none in a tree, but the two lexers don't end every operator at the same place,
/// and behind a comment's end the text would be read in another way than here.
fn has_comment(text: &str) -> Result<bool, Refusal> {
    let is_quoted = |token: &Token| match token {
        Token::SingleQuotedString(_) => true,
        Token::Word(word) => word.quote_style.is_some(),
        _ => false,
    };
    let mut unquoted = limits::tokens(text)?.into_iter().filter(|it| !is_quoted(&it.token));
    Ok(unquoted.any(|it| begins_comment(&it.token.to_string())))
}

fn unfaithful(text: &str) -> Refusal {
    Refusal::construct(format_args!(
        "something that does not read back the same; put operators that follow each other, \
         such as - -1, in brackets: {text}"
    ))
}

/// Literals in single quotes, brackets around an operand that begins with an operator
/// (two of them in a row would be a third one), and AS before every alias of a table:
/// behind AS no word is anything but a name.
struct Plain;

impl VisitorMut for Plain {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        let text = match &mut value.value {
            Value::DollarQuotedString(text) => &mut text.value,
            Value::EscapedStringLiteral(text) | Value::UnicodeStringLiteral(text) => text,
            _ => return ControlFlow::Continue(()),
        };
        value.value = Value::SingleQuotedString(std::mem::take(text));
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::UnaryOp { op, expr: operand } = expr
            && *op != UnaryOperator::Not
            && matches!(**operand, Expr::UnaryOp { .. })
        {
            let inner = std::mem::replace(&mut **operand, Expr::value(Value::Null));
            **operand = Expr::Nested(Box::new(inner));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let Some(alias) = alias_of(factor) {
            alias.explicit = true;
        }
        ControlFlow::Continue(())
    }
}

fn alias_of(factor: &mut TableFactor) -> Option<&mut TableAlias> {
    match factor {
        TableFactor::Table { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::TableFunction { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::JsonTable { alias, .. }
        | TableFactor::OpenJsonTable { alias, .. }
        | TableFactor::NestedJoin { alias, .. }
        | TableFactor::Pivot { alias, .. }
        | TableFactor::Unpivot { alias, .. }
        | TableFactor::MatchRecognize { alias, .. }
        | TableFactor::XmlTable { alias, .. }
        | TableFactor::SemanticView { alias, .. } => alias.as_mut(),
        TableFactor::UnpivotExpr { .. } => None,
    }
}

/// Quotes doubled, which the library's printer leaves alone.
struct Doubled;

impl VisitorMut for Doubled {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let Value::SingleQuotedString(text) = &mut value.value {
            *text = text.replace('\'', "''");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<()> {
        if let Some(quote) = ident.quote_style {
            ident.value = ident.value.replace(quote, &format!("{quote}{quote}"));
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let mut query = parse::untrusted(sql).unwrap();
        normalise(&mut query);
        assert_eq!(print(&query).as_deref(), Ok(expected));
    }

    #[test]
    fn a_quote_behind_a_backslash_stays_inside_its_literal() {
        check(r"SELECT 'x\'', f() --'", r"SELECT 'x\'', f() --'");
        check(r"SELECT 'it''s', ''''''", r"SELECT 'it''s', ''''''");
        check(r#"SELECT 1 AS "a\""b", 2 AS "c""d""#, r#"SELECT 1 AS "a\""b", 2 AS "c""d""#);
    }

    #[test]
    fn every_form_of_a_literal_comes_out_in_single_quotes() {
        check("SELECT $tag$it's$tag$", "SELECT 'it''s'");
        check(r"SELECT E'a\'b\\c'", r"SELECT 'a''b\c'");
        check(r"SELECT U&'\0061'", "SELECT 'a'");
    }

    #[test]
    fn operators_in_a_row_get_brackets() {
        check("SELECT - -1, @ -5, |/ @ ~ 5", "SELECT -(-1), @(-5), |/(@(~5))");
        check("SELECT 1 - -1, NOT NOT true, -(-1)", "SELECT 1 - -1, NOT NOT true, -(-1)");
    }

    #[test]
    fn comments_disappear_and_aliases_get_their_as() {
        check("SELECT a /* b */ FROM t u -- c", "SELECT a FROM t AS u");
    }

    #[test]
    fn a_tree_that_does_not_read_back_is_refused() {
        let query = parse::untrusted("SELECT - -1").unwrap();
        let refusal = print(&query).unwrap_err();
        assert_eq!(refusal.reason(), "SQL_CONSTRUCT_NOT_ALLOWED");
    }

    #[test]
    fn a_text_in_which_postgres_would_see_a_comment_is_refused() {
        for sql in ["SELECT 1 OPERATOR(pg_catalog.%--) '\n) 2'", "SELECT 1 OPERATOR(a.%/*) 2"] {
            let query = parse::untrusted(sql).unwrap();
            assert!(print(&query).is_err(), "{sql}");
        }
        check("SELECT '--', 1 AS \"/*\"", "SELECT '--', 1 AS \"/*\"");
    }

    #[test]
    fn a_tree_that_reads_back_as_another_is_refused() {
        struct Smuggled;
        impl VisitorMut for Smuggled {
            type Break = ();

            fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<()> {
                ident.value = "a, pg_sleep(30)".to_owned();
                ControlFlow::Continue(())
            }
        }
        let mut query = parse::untrusted("SELECT a").unwrap();
        let _: ControlFlow<()> = VisitMut::visit(&mut query, &mut Smuggled);

        let refusal = print(&query).unwrap_err();

        assert_eq!(refusal.reason(), "SQL_CONSTRUCT_NOT_ALLOWED");
    }
}
