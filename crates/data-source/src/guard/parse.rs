use sqlparser::ast::{Query, Statement};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::TokenWithSpan;

use super::refusal::Refusal;
use super::{limits, spelling};

/// Reads one query, within the limits. The library recurses, so this needs a
/// stack that is large for the limits.
pub(super) fn untrusted(sql: &str) -> Result<Query, Refusal> {
    one_query(spelling::plain(limits::tokenise(sql)?))
}

/// Reads what was printed from a tree that kept the limits.
pub(super) fn printed(sql: &str) -> Result<Query, Refusal> {
    one_query(limits::tokens(sql)?)
}

fn one_query(tokens: Vec<TokenWithSpan>) -> Result<Query, Refusal> {
    let statements = Parser::new(&PostgreSqlDialect {})
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(Refusal::not_parsed)?;

    let mut statements = statements.into_iter();
    match (statements.next(), statements.next()) {
        (None, _) => Err(Refusal::not_a_query("an empty statement")),
        (Some(Statement::Query(query)), None) => Ok(*query),
        (Some(statement), None) => Err(Refusal::not_a_query(first_word(&statement))),
        (Some(_), Some(_)) => Err(Refusal::not_a_query("several statements")),
    }
}

fn first_word(statement: &Statement) -> String {
    let text = statement.to_string();
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(untrusted(sql).unwrap_err().to_string(), expected);
    }

    #[test]
    fn only_one_query_is_read() {
        check("", "only one SELECT query is accepted, not an empty statement");
        check("SELECT 1; SELECT 2", "only one SELECT query is accepted, not several statements");
        check("DROP TABLE orders", "only one SELECT query is accepted, not DROP");
        assert!(untrusted("SELECT 1;").is_ok());
    }

    #[test]
    fn what_the_parser_says_is_passed_on() {
        check(
            "SELECT 1 FORM t",
            "the statement could not be read as SQL: sql parser error: \
             Expected: end of statement, found: t at Line: 1, Column: 15",
        );
    }
}
