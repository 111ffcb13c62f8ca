//! What is looked at before anything is parsed. The parser and the printer
//! recurse, so the nesting that reaches them is bounded here.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::refusal::Refusal;

pub(super) const MAX_BYTES: usize = 16 * 1024;
pub(super) const MAX_TOKENS: usize = 4000;
/// The longest name that Postgres keeps whole.
const MAX_NAME_BYTES: usize = 63;
/// The parser's own limit lies near 25 brackets for most constructs; some, such
/// as the nested paths of `JSON_TABLE`, it does not count.
pub(super) const MAX_DEPTH: usize = 40;

pub(super) fn tokenise(sql: &str) -> Result<Vec<TokenWithSpan>, Refusal> {
    if sql.len() > MAX_BYTES {
        return Err(Refusal::too_large(format_args!("{MAX_BYTES} bytes")));
    }
    if sql.contains('\0') {
        return Err(Refusal::not_parsed("it holds a NUL character"));
    }

    let tokens = tokens(sql)?;
    // Postgres cuts longer ones, so that two of them can be the same to it.
    let is_cut = |it: &TokenWithSpan| match &it.token {
        Token::Word(word) => word.value.len() > MAX_NAME_BYTES,
        _ => false,
    };
    if tokens.iter().any(is_cut) {
        return Err(Refusal::construct(format_args!("a name of more than {MAX_NAME_BYTES} bytes")));
    }
    // Of the escapes of E'...' this is the one that the parser reads as a letter.
    let is_escaped = |it: &TokenWithSpan| matches!(it.token, Token::EscapedStringLiteral(_));
    if sql.contains(r"\v") && tokens.iter().any(is_escaped) {
        return Err(Refusal::construct(r"\v in E'...' (use chr(11))"));
    }
    let words = tokens.iter().filter(|it| !matches!(it.token, Token::Whitespace(_))).count();
    if words > MAX_TOKENS {
        return Err(Refusal::too_large(format_args!("{MAX_TOKENS} words and symbols")));
    }
    if depth(&tokens) > MAX_DEPTH {
        return Err(Refusal::too_large(format_args!("{MAX_DEPTH} levels of brackets")));
    }
    Ok(tokens)
}

pub(super) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>, Refusal> {
    Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().map_err(Refusal::not_parsed)
}

fn depth(tokens: &[TokenWithSpan]) -> usize {
    let mut depth: usize = 0;
    let mut deepest = 0;
    for token in tokens {
        match token.token {
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: Option<&str>) {
        let reason = tokenise(sql).err().map(|refusal| refusal.reason());
        assert_eq!(reason, expected);
    }

    #[test]
    fn text_of_16_kib_passes_and_a_byte_more_does_not() {
        check(&format!("SELECT 1{}", " ".repeat(MAX_BYTES - 8)), None);
        check(&format!("SELECT 1{}", " ".repeat(MAX_BYTES - 7)), Some("SQL_TOO_LARGE"));
    }

    #[test]
    fn a_name_that_postgres_would_cut_is_refused() {
        check(&format!("SELECT {}", "n".repeat(63)), None);
        check(&format!("SELECT {}", "n".repeat(64)), Some("SQL_CONSTRUCT_NOT_ALLOWED"));
        check(&format!("SELECT \"{}\"", "ñ".repeat(32)), Some("SQL_CONSTRUCT_NOT_ALLOWED"));
        check(&format!("SELECT '{}'", "n".repeat(64)), None);
    }

    #[test]
    fn an_escape_that_would_be_misread_is_refused() {
        check(r"SELECT E'a\vb'", Some("SQL_CONSTRUCT_NOT_ALLOWED"));
        check(r"SELECT 'a\vb'", None);
        check(r"SELECT E'a\tb'", None);
    }

    #[test]
    fn too_many_words_are_refused_and_white_space_does_not_count() {
        check(&"1 ".repeat(MAX_TOKENS), None);
        check(&"1 ".repeat(MAX_TOKENS + 1), Some("SQL_TOO_LARGE"));
    }

    #[test]
    fn brackets_of_any_kind_count_towards_the_depth() {
        let nested = |n: usize| format!("{}{}", "([{".repeat(n), "}])".repeat(n));
        check(&nested(MAX_DEPTH / 3), None);
        check(&nested(MAX_DEPTH / 3 + 1), Some("SQL_TOO_LARGE"));
        check(&"()".repeat(MAX_DEPTH + 1), None);
    }

    #[test]
    fn brackets_inside_a_literal_or_a_comment_do_not_count() {
        let brackets = "(".repeat(MAX_DEPTH + 1);
        check(&format!("SELECT '{brackets}'"), None);
        check(&format!("SELECT 1 /* {brackets} */"), None);
    }

    #[test]
    fn a_nul_character_or_an_open_quote_is_refused() {
        check("SELECT 'a\0b'", Some("SQL_NOT_PARSED"));
        check("SELECT 'a", Some("SQL_NOT_PARSED"));
        check("SELECT 1 /* a", Some("SQL_NOT_PARSED"));
    }
}
