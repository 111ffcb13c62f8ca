//! Names as Postgres reads them.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};
use sqlparser::keywords::ALL_KEYWORDS;

/// Words that Postgres reads as a call without brackets, wherever an expression
/// or a table stands. All of them tell about the session.
const SESSION_WORDS: &[&str] = &[
    "current_catalog",
    "current_role",
    "current_schema",
    "current_user",
    "session_user",
    "system_user",
    "user",
];

/// The words that Postgres reads as no column's or table's name unless they are
/// quoted, where the parser may.
const RESERVED: &str = "
    all analyse analyze and any array as asc asymmetric both case cast check collate column
    constraint create default deferrable desc distinct do else end except false fetch for foreign
    from grant group having in initially intersect into lateral leading limit not null offset on
    only or order placing primary references returning select some symmetric table then to trailing
    true union unique using variadic when where window with";

/// The name that an identifier stands for: in lower case unless it is quoted.
/// Postgres folds no letters but the ASCII ones.
pub(super) fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        None => ident.value.to_ascii_lowercase(),
        Some(_) => ident.value.clone(),
    }
}

/// The parts of a dotted name; `None` if one of them is not an identifier.
pub(super) fn parts(name: &ObjectName) -> Option<Vec<String>> {
    let part = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) => Some(folded(ident)),
        ObjectNamePart::Function(_) => None,
    };
    name.0.iter().map(part).collect()
}

pub(super) fn is_session_word(ident: &Ident) -> bool {
    ident.quote_style.is_none() && SESSION_WORDS.contains(&folded(ident).as_str())
}

pub(super) fn is_reserved(ident: &Ident) -> bool {
    let name = folded(ident);
    ident.quote_style.is_none() && RESERVED.split_whitespace().any(|it| it == name)
}

/// The identifier that stands for exactly this name, in quotes if they are needed.
pub(super) fn plain(name: &str) -> Ident {
    let is_lower = |it: char| it.is_ascii_lowercase();
    let is_word = name.starts_with(is_lower)
        && name.chars().all(|it| is_lower(it) || it.is_ascii_digit() || it == '_');
    // Of the many keywords only some are reserved, and this one is not.
    let is_keyword = name != "public" && ALL_KEYWORDS.contains(&name.to_uppercase().as_str());
    if is_word && !is_keyword { Ident::new(name) } else { Ident::with_quote('"', name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ident: Ident, expected: &str) {
        assert_eq!(folded(&ident), expected);
    }

    #[test]
    fn a_name_is_folded_to_lower_case_unless_it_is_quoted() {
        check(Ident::new("Orders"), "orders");
        check(Ident::with_quote('"', "Orders"), "Orders");
        check(Ident::new("É"), "É");
    }

    #[test]
    fn a_quoted_word_is_a_column_and_not_a_call() {
        assert!(is_session_word(&Ident::new("User")));
        assert!(!is_session_word(&Ident::with_quote('"', "user")));
    }
}
