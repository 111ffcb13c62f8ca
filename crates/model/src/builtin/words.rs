//! A question as tokens: words folded for comparing, and as they were typed.

use super::vocabulary::Language;
use crate::folding::fold;

/// A longer text is not a question that anything here understands.
pub(super) const MAX_TOKENS: usize = 200;

const IGNORED: &str = "?!;:()[]{}`¿¡.…";
const OPERATORS: [&str; 10] = [">=", "<=", "<>", "!=", "==", "≥", "≤", "=", "<", ">"];
const QUOTES: [(char, char); 5] = [('\'', '\''), ('"', '"'), ('“', '”'), ('‘', '’'), ('«', '»')];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Word,
    Quoted,
    Operator,
    Comma,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) raw: &'a str,
    /// Where `raw` is in the text.
    pub(super) start: usize,
    pub(super) shape: Shape,
    /// The folded words in it: `body_mass_g` has three.
    pub(super) words: Vec<String>,
}

impl Token<'_> {
    pub(super) fn starts_like_a_name(&self) -> bool {
        self.raw.starts_with(char::is_uppercase)
    }

    pub(super) fn starts_like_a_number(&self) -> bool {
        self.raw.starts_with(|c: char| c == '-' || c.is_ascii_digit())
    }

    pub(super) fn is_upper_case(&self) -> bool {
        self.raw.chars().any(char::is_uppercase) && !self.raw.chars().any(char::is_lowercase)
    }
}

/// The tokens of the text, or one more than [`MAX_TOKENS`] of them.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace());
        let Some(first) = rest.chars().next() else { return tokens };
        if tokens.len() > MAX_TOKENS {
            return tokens;
        }
        let (raw, shape, used) =
            if let Some(it) = OPERATORS.iter().find(|it| rest.starts_with(**it)) {
                (&rest[..it.len()], Shape::Operator, it.len())
            } else if let Some(quoted) = quoted(rest) {
                (quoted, Shape::Quoted, quoted.len() + 2 * first.len_utf8())
            } else if first == ',' {
                (",", Shape::Comma, 1)
            } else if is_break(first) {
                rest = &rest[first.len_utf8()..];
                continue;
            } else {
                let end = word_end(rest);
                (rest[..end].trim_end_matches(['.', '\'', '’']), Shape::Word, end)
            };
        let quote = if shape == Shape::Quoted { first.len_utf8() } else { 0 };
        let start = text.len() - rest.len() + quote;
        rest = &rest[used..];
        let words = match shape {
            Shape::Word | Shape::Quoted => name_words(raw),
            Shape::Operator | Shape::Comma => Vec::new(),
        };
        tokens.push(Token { raw, start, shape, words });
    }
}

/// Splits a table's or column's name, or a token, into folded words.
pub(super) fn name_words(name: &str) -> Vec<String> {
    let folded = fold(name);
    // "é" is a verb, "e" is "and": here the accent makes the word.
    if folded == "e" && !name.eq_ignore_ascii_case("e") {
        return vec!["é".to_owned()];
    }
    let parts = folded.split(|c: char| !c.is_alphanumeric()).filter(|it| !it.is_empty());
    parts.map(str::to_owned).collect()
}

/// Reads a number as SQL writes it; `None` if it isn't one, or could be two.
///
/// "1.000" is one in English and may be a thousand in Portuguese; "1,000" is
/// the other way round. What could be either is neither.
pub(super) fn number(raw: &str, language: Language) -> Option<String> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    let (whole, fraction) = match digits.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let is_plain =
        |it: &str| (1..=18).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_digit());
    if !is_plain(whole) || !fraction.is_none_or(is_plain) {
        return None;
    }
    let may_be_thousands = whole != "0" && fraction.is_some_and(|it| it.len() == 3);
    match language {
        Language::English if raw.contains(',') => None,
        Language::Portuguese if may_be_thousands => None,
        Language::English | Language::Portuguese => Some(raw.replace(',', ".")),
    }
}

/// Whether this is a day of the calendar, written as 2012-12-31.
pub(super) fn is_date(raw: &str) -> bool {
    let parts: Vec<&str> = raw.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse(), month.parse(), day.parse()) else {
        return false;
    };
    (1..=9999_u16).contains(&year) && (1..=days_in(year, month)).contains(&day)
}

fn days_in(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    }
}

/// What stands between quotation marks at the start of the text.
fn quoted(text: &str) -> Option<&str> {
    let (_, close) = QUOTES.into_iter().find(|(open, _)| text.starts_with(*open))?;
    let inside = &text[text.chars().next()?.len_utf8()..];
    // The mark in O'Hare doesn't end 'O'Hare'.
    let is_end = |at: usize| {
        let after = inside[at + close.len_utf8()..].chars().next();
        !after.is_some_and(char::is_alphanumeric)
    };
    let end = inside.match_indices(close).map(|(at, _)| at).find(|&at| is_end(at))?;
    (end > 0).then(|| &inside[..end])
}

fn is_break(c: char) -> bool {
    c.is_whitespace()
        || IGNORED.contains(c)
        || QUOTES.iter().any(|&(open, close)| c == open || c == close)
}

fn word_end(text: &str) -> usize {
    let mut before = None;
    for (at, c) in text.char_indices() {
        let after = text[at + c.len_utf8()..].chars().next();
        let joins =
            before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric);
        let is_end = match c {
            '.' | '\'' | '’' => !joins,
            ',' => !(joins && before.is_some_and(|c: char| c.is_ascii_digit())),
            '<' | '>' | '=' | '≥' | '≤' => true,
            c => is_break(c),
        };
        if is_end && at > 0 {
            return at;
        }
        before = Some(c);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let raw: Vec<&str> = tokens(text).iter().map(|it| it.raw).collect();
        assert_eq!(raw, expected);
        for token in tokens(text) {
            assert!(text[token.start..].starts_with(token.raw));
        }
    }

    #[test]
    fn a_question_is_split_into_words_operators_and_values() {
        check("How many penguins?", &["How", "many", "penguins"]);
        check("temp_max>=30.5.", &["temp_max", ">=", "30.5"]);
        check("temp_min<-5", &["temp_min", "<", "-5"]);
        check("species,island", &["species", ",", "island"]);
        check("what's 1,5 'New York'!", &["what's", "1,5", "New York"]);
        check("name = 'O'Hare' and", &["name", "=", "O'Hare", "and"]);
        check("(state=“Rio de Janeiro”)", &["state", "=", "Rio de Janeiro"]);
        check("", &[]);
        check("?!'", &[]);
        check("a - b 日本", &["a", "-", "b", "日本"]);
    }

    #[test]
    fn words_are_folded_but_a_verb_keeps_its_accent() {
        assert_eq!(name_words("Média_MÁXIMA"), ["media", "maxima"]);
        assert_eq!(name_words("não"), ["nao"]);
        assert_eq!(name_words("ac\u{327}a\u{303}o"), ["acao"]);
        assert_eq!(name_words("É"), ["é"]);
        assert_eq!(name_words("e"), ["e"]);
    }

    #[track_caller]
    fn check_number(raw: &str, english: Option<&str>, portuguese: Option<&str>) {
        assert_eq!(number(raw, Language::English).as_deref(), english);
        assert_eq!(number(raw, Language::Portuguese).as_deref(), portuguese);
    }

    #[test]
    fn a_number_that_could_be_two_is_none() {
        check_number("4000", Some("4000"), Some("4000"));
        check_number("-3.5", Some("-3.5"), Some("-3.5"));
        check_number("3,5", None, Some("3.5"));
        check_number("1.000", Some("1.000"), None);
        check_number("0.125", Some("0.125"), Some("0.125"));
        check_number("1,000", None, None);
        check_number("4kg", None, None);
        check_number("1e9", None, None);
        check_number("-", None, None);
    }

    #[test]
    fn only_days_of_the_calendar_are_dates() {
        assert!(is_date("2012-02-29"));
        assert!(!is_date("2013-02-29"));
        assert!(!is_date("2012-13-01"));
        assert!(!is_date("01-02-2012"));
        assert!(!is_date("2012"));
    }
}
