//! Statements within text.

use crate::builtin;

/// Queries begin with these; in capital letters prose does not.
const KEYWORDS: [&str; 4] = ["SELECT", "WITH", "VALUES", "TABLE"];
/// Of a text that is searched line by line, which each may make look at all behind it.
const MAX_BYTES: usize = 64 << 10;
const MAX_LINES: usize = 1_000;

/// A text that is a statement, without what a model adds to it.
pub(super) fn statement(text: &str) -> Option<String> {
    let text = text.trim().trim_matches('`').trim();
    if !is_statement(text) {
        return None;
    }
    Some(without_end(before_prose(text)).to_owned())
}

/// The statement of a field or a block that is known to hold one.
pub(super) fn given(text: &str) -> String {
    without_end(&unescaped(text.trim())).to_owned()
}

/// A statement that begins on a line of its own, perhaps after "SQL:".
pub(super) fn on_a_line(text: &str) -> Option<String> {
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    let mut at = 0;
    for line in text.split_inclusive('\n').take(MAX_LINES) {
        // A line of decoration belongs to the next one.
        if !line.trim_matches(is_decoration).is_empty() {
            let (label, rest) = after_label(&text[at..]);
            if (label || starts_query(rest))
                && let Some(found) = statement(paragraph(rest))
            {
                return Some(found);
            }
        }
        at += line.len();
    }
    None
}

/// "SQL: ", "**SQL Query:** ", "- SQLQuery:"
fn after_label(text: &str) -> (bool, &str) {
    let text = text.trim_start_matches(is_decoration);
    let is_end = |c: char| c == ':' || c == '\n';
    let Some(end) = text.find(is_end).filter(|it| text[*it..].starts_with(':')) else {
        return (false, text);
    };
    let (label, rest) = (&text[..end], &text[end + 1..]);
    let label: String = label.chars().filter(|it| it.is_alphanumeric()).collect();
    let is_label = ["sql", "sqlquery", "query", "sqlstatement", "postgresql"]
        .iter()
        .any(|it| label.eq_ignore_ascii_case(it));
    if is_label { (true, rest.trim_start_matches(is_decoration)) } else { (false, text) }
}

fn is_decoration(c: char) -> bool {
    c.is_whitespace() || "*#->_`".contains(c)
}

fn is_statement(text: &str) -> bool {
    starts_query(text.trim_start_matches(['(', ' '])) || builtin::is_sql(text) || is_command(text)
}

/// A command that the guard refuses is shown to be refused, and is no reply.
fn is_command(text: &str) -> bool {
    builtin::is_command(paragraph(text))
}

fn starts_query(text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts = |keyword: &str| {
        let rest = text.strip_prefix(keyword);
        rest.is_some_and(|it| !it.is_empty() && !it.starts_with(is_word))
    };
    KEYWORDS.iter().any(|it| starts(it))
}

fn paragraph(text: &str) -> &str {
    text.split_once("\n\n").map_or(text, |(first, _)| first)
}

/// Prose on a line behind the semicolon is no part of the statement; a second
/// statement stays, for the guard to see.
fn before_prose(text: &str) -> &str {
    let Some(end) = outside_quotes(text).find(|(_, c)| *c == ';').map(|(at, _)| at) else {
        return text;
    };
    let behind = &text[end + 1..];
    let is_on_the_line = !behind.trim_start_matches([' ', '`', '\r']).starts_with('\n');
    if is_on_the_line || is_statement(behind.trim()) { text } else { &text[..end] }
}

fn without_end(text: &str) -> &str {
    text.trim_end_matches(|c: char| c == ';' || c.is_whitespace())
}

/// Undoes the escapes of a model that wrote JSON into JSON: outside of quotes no
/// SQL has a backslash.
fn unescaped(text: &str) -> String {
    let escapes: Vec<usize> =
        outside_quotes(text).filter(|(_, c)| *c == '\\').map(|(at, _)| at).collect();
    let mut result = String::with_capacity(text.len());
    let mut from = 0;
    for at in escapes {
        if at < from {
            continue;
        }
        let replacement = match text[at + 1..].chars().next() {
            Some('n' | 'r') => '\n',
            Some('t') => ' ',
            Some('"') => '"',
            _ => continue,
        };
        result += &text[from..at];
        result.push(replacement);
        from = at + 2;
    }
    result + &text[from..]
}

/// The characters that are in no literal and no quoted name.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    let mut is_escaped = false;
    text.char_indices().filter(move |&(_, c)| {
        let was_escaped = std::mem::replace(&mut is_escaped, c == '\\' && quote.is_none());
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => (),
            None if c == '\'' || (c == '"' && !was_escaped) => quote = Some(c),
            None => return true,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_without_a_statement_is_searched_in_time() {
        let started = std::time::Instant::now();
        for line in ["-\n", "a\n", "a b c\n", "sql: x\n", "label: x\n"] {
            assert_eq!(on_a_line(&line.repeat(1 << 20)), None);
        }
        assert!(started.elapsed() < std::time::Duration::from_secs(3), "{:?}", started.elapsed());
    }

    #[test]
    fn escapes_are_undone_outside_of_quotes_only() {
        assert_eq!(given(r"SELECT 1\nFROM t;\n"), "SELECT 1\nFROM t");
        assert_eq!(given(r#"SELECT \"Name\" FROM t"#), r#"SELECT "Name" FROM t"#);
        assert_eq!(given(r"SELECT E'a\nb', 'x''\t'"), r"SELECT E'a\nb', 'x''\t'");
        assert_eq!(given(r"SELECT 1\"), r"SELECT 1\");
    }

    #[test]
    fn prose_behind_a_statement_goes_and_another_statement_stays() {
        let check = |text, expected: &str| assert_eq!(statement(text).as_deref(), Some(expected));
        check("SELECT 1;\n\nThis counts.", "SELECT 1");
        check("SELECT ';\nno' FROM t", "SELECT ';\nno' FROM t");
        check("SELECT 1;\nDROP TABLE t;", "SELECT 1;\nDROP TABLE t");
        check("SELECT 1; hello", "SELECT 1; hello");
    }
}
