//! What people type: words, "phrases", -exclusions and `or`.

/// A word or a phrase that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// Rises with every `or`: what belongs to one must occur together.
    pub(super) alternative: i32,
    pub(super) text: String,
    /// Whether it must not occur.
    pub(super) is_excluded: bool,
}

/// Reads a search. Everything is one: what is no syntax is a word.
pub(super) fn terms(search: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let mut alternative = 0;
    let mut rest = search.trim_start();
    while !rest.is_empty() {
        let positive = rest.strip_prefix('-');
        let is_excluded = positive.is_some();
        let (text, after) = next(positive.unwrap_or(rest));
        match text {
            "" => (),
            // Not in quotes: then it is a word.
            _ if rest.starts_with(text) && text.eq_ignore_ascii_case("or") => alternative += 1,
            _ => terms.push(Term { alternative, text: text.to_owned(), is_excluded }),
        }
        rest = after.trim_start();
    }
    terms
}

/// The first word or phrase, and what comes after it. A phrase that is not closed goes
/// on to the end.
fn next(search: &str) -> (&str, &str) {
    if let Some(phrase) = search.strip_prefix('"') {
        return phrase.split_once('"').unwrap_or((phrase, ""));
    }
    let is_end = |c: char| c.is_whitespace() || c == '"';
    search.split_at(search.find(is_end).unwrap_or(search.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(search: &str, expected: &[(i32, bool, &str)]) {
        let found = terms(search);
        let found: Vec<(i32, bool, &str)> =
            found.iter().map(|it| (it.alternative, it.is_excluded, it.text.as_str())).collect();
        assert_eq!(found, expected, "{search}");
    }

    #[test]
    fn words_phrases_exclusions_and_alternatives_are_told_apart() {
        check("média  de\tvendas", &[(0, false, "média"), (0, false, "de"), (0, false, "vendas")]);
        check("\"média de\" -ano", &[(0, false, "média de"), (0, true, "ano")]);
        check("a OR b or c", &[(0, false, "a"), (1, false, "b"), (2, false, "c")]);
        check("-\"two words\"x", &[(0, true, "two words"), (0, false, "x")]);
        check("e-mail or-der", &[(0, false, "e-mail"), (0, false, "or-der")]);
        check("\"or\" -or", &[(0, false, "or"), (0, true, "or")]);
    }

    #[test]
    fn anything_is_a_search() {
        check("", &[]);
        check(" - \"\" -\"\" ", &[]);
        check("\"open", &[(0, false, "open")]);
        check("a\"b", &[(0, false, "a"), (0, false, "b")]);
        check("--a", &[(0, true, "-a")]);
        check("or", &[]);
        check(
            "'x' & !y:* \\",
            &[(0, false, "'x'"), (0, false, "&"), (0, false, "!y:*"), (0, false, "\\")],
        );
    }
}
