//! What Postgres reads and the parser does not, in words that both read. What runs
//! is printed from the tree, so nothing here decides about what is accepted.

use sqlparser::tokenizer::{Token, TokenWithSpan};

/// `a ISNULL` as `a IS NULL`, and `trim(BOTH FROM a)` as `trim(BOTH a)`.
pub(super) fn plain(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut plain: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len() + 1);
    for token in tokens {
        if is_word(&token.token, &["isnull"]) && !is_label(&plain) {
            for word in ["IS", "NULL"] {
                plain.push(TokenWithSpan::new(Token::make_word(word, None), token.span));
            }
        } else if !(is_word(&token.token, &["from"]) && ends_in_trim_side(&plain)) {
            plain.push(token);
        }
    }
    plain
}

/// Behind these every word is a name.
fn is_label(before: &[TokenWithSpan]) -> bool {
    words(before).next().is_some_and(|it| *it == Token::Period || is_word(it, &["as"]))
}

fn ends_in_trim_side(before: &[TokenWithSpan]) -> bool {
    let mut words = words(before);
    words.next().is_some_and(|it| is_word(it, &["both", "leading", "trailing"]))
        && words.next() == Some(&Token::LParen)
        && words.next().is_some_and(|it| is_word(it, &["trim"]))
}

/// The words and symbols before a place, the nearest first.
fn words(before: &[TokenWithSpan]) -> impl Iterator<Item = &Token> {
    let tokens = before.iter().rev().map(|it| &it.token);
    tokens.filter(|it| !matches!(it, Token::Whitespace(_)))
}

fn is_word(token: &Token, words: &[&str]) -> bool {
    match token {
        Token::Word(word) => {
            word.quote_style.is_none() && words.iter().any(|it| word.value.eq_ignore_ascii_case(it))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::limits;
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        let plain = plain(limits::tokens(sql).unwrap());
        let words = words(&plain).map(Token::to_string).collect::<Vec<_>>();
        assert_eq!(words.into_iter().rev().collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn isnull_is_two_words_unless_it_is_a_name() {
        check("a ISNULL AND b isnull", "a IS NULL AND b IS NULL");
        check("1 AS isnull, t.isnull, \"isnull\"", "1 AS isnull , t . isnull , \"isnull\"");
        check("1 AS /* x */ isnull", "1 AS isnull");
    }

    #[test]
    fn from_behind_the_side_of_a_trim_goes() {
        check("trim(BOTH FROM a)", "trim ( BOTH a )");
        check("TRIM( trailing /* x */ from a)", "TRIM ( trailing a )");
        check("trim(BOTH 'x' FROM a)", "trim ( BOTH 'x' FROM a )");
        check("(SELECT both FROM a)", "( SELECT both FROM a )");
    }
}
