//! Tells SQL that was typed as the question from prose that starts like it.
//!
//! Only that: whether the SQL may run is for the guard behind it to decide.

use super::commands;

/// First words that make SQL only with one of these words behind them; `*` is
/// any word at all.
const STATEMENTS: &[(&str, &str)] = &[
    ("insert", "into"),
    ("merge", "into"),
    ("delete", "from"),
    ("drop", OBJECTS),
    ("create", OBJECTS),
    ("alter", OBJECTS),
    ("truncate", "table only"),
    ("reindex", OBJECTS),
    ("refresh", "materialized"),
    ("vacuum", "full analyze freeze verbose"),
    ("begin", "transaction work isolation read"),
    ("start", "transaction"),
    ("abort", "transaction work and"),
    ("end", "transaction work and"),
    ("release", "savepoint"),
    ("import", "foreign"),
    ("reassign", "owned"),
    ("commit", "transaction work and"),
    ("rollback", "transaction work to and"),
    ("security", "label"),
    ("comment", "on"),
    ("set", "role session local transaction search_path statement_timeout"),
    ("reset", "role all session"),
    ("discard", "all plans temp"),
    ("lock", "table"),
];

const OBJECTS: &str = "table view index schema database role user function procedure sequence type \
    extension trigger materialized policy or temp temporary unique unlogged global local owned \
    server foreign tablespace domain rule publication subscription event aggregate group \
    default system foreign language collation conversion operator routine cast access text \
    statistics large";

/// What can follow a name, where prose has its next word.
const AFTER_COLUMN: [&str; 4] = ["from", "as", "into", "union"];
const AFTER_TABLE: [&str; 8] =
    ["order", "limit", "offset", "fetch", "union", "intersect", "except", "for"];
/// What people say after "select" when they don't mean the keyword.
const PROSE: &str =
    "the a an all any some every each me my our only which o os as um uma todos todas";
const VALUES: &str = "current_date current_time current_timestamp current_user session_user user \
    localtime localtimestamp true false null";

/// The statement as it was typed, without a semicolon at its end; `None` for prose.
pub(super) fn find(text: &str) -> Option<&str> {
    let start = skip_blanks(text, "( \t");
    let is_sql = is_sql(start) || commands::is_typed_command(start);
    is_sql.then(|| text.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace()))
}

fn is_sql(text: &str) -> bool {
    let words = Words(text);
    let Some((first, rest)) = words.next() else { return false };
    let second = Words(rest).next().map(|(word, _)| word.to_ascii_lowercase());
    let is_one_of = |all: &str| {
        second.as_ref().is_some_and(|it| all.split_ascii_whitespace().any(|word| word == it))
    };
    match first.to_ascii_lowercase().as_str() {
        "select" => is_selection(rest),
        "with" => is_common_table(rest),
        "values" => skip_blanks(rest, "").starts_with('('),
        "table" => ends_or_goes_on(rest, &AFTER_TABLE),
        "explain" => is_one_of("analyze verbose") || is_sql(skip_blanks(rest, "(")),
        "update" => rest.contains('=') && contains_word(rest, "set"),
        "grant" | "revoke" => contains_word(rest, "on") || contains_word(rest, "to"),
        "copy" => {
            skip_blanks(rest, "").starts_with('(')
                || !ends_or_goes_on(rest, &[]) && ends_or_goes_on(rest, &["from", "to"])
        }
        "do" => skip_blanks(rest, "").starts_with(['$', '\'']),
        "call" | "execute" | "prepare" => rest.contains('('),
        "begin" | "commit" | "rollback" | "abort" | "vacuum" | "checkpoint" if is_end(rest) => true,
        "truncate" if ends_or_goes_on(rest, &["cascade", "restrict", "restart"]) => true,
        keyword => STATEMENTS.iter().any(|&(first, next)| first == keyword && is_one_of(next)),
    }
}

/// `* from`, `a, b`, `count(*)`, `a.b`, `a from`, `1`: not "the top 5 species".
fn is_selection(text: &str) -> bool {
    let text = skip_blanks(text, "");
    let Some((first, rest)) = Words(text).next() else {
        // A sign, a number, a quoted name, a bracket.
        return text.starts_with(|c: char| c.is_ascii_digit() || "*('\"$+-:".contains(c));
    };
    let first = first.to_ascii_lowercase();
    let after = skip_blanks(rest, "");
    let is_listed = |all: &str| all.split_ascii_whitespace().any(|it| it == first);
    if first == "distinct" {
        return contains_word(rest, "from");
    }
    if after.starts_with([',', '(', '.', '+', '*', '/', '|', ':', '=', '<', '>']) {
        return true;
    }
    match Words(after).next() {
        None => is_end(after) && (is_listed(VALUES) || after.starts_with(';')),
        Some((next, _)) => {
            AFTER_COLUMN.iter().any(|it| next.eq_ignore_ascii_case(it))
                || !is_listed(PROSE) && first != "top" && contains_word(after, "from")
        }
    }
}

/// `x as (`, `recursive x (n) as materialized (`
fn is_common_table(text: &str) -> bool {
    let Some((mut name, mut rest)) = Words(text).next() else {
        return skip_blanks(text, "").starts_with('"');
    };
    if name.eq_ignore_ascii_case("recursive") {
        let Some(next) = Words(rest).next() else { return false };
        (name, rest) = next;
    }
    let rest = skip_blanks(rest, "");
    if name.is_empty() || rest.starts_with('(') {
        return contains_word(rest, "as");
    }
    let Some(("as" | "AS" | "As", rest)) = Words(rest).next() else { return false };
    let is_hint =
        |it: &str| ["materialized", "not"].iter().any(|word| it.eq_ignore_ascii_case(word));
    skip_blanks(rest, "").starts_with('(') || Words(rest).next().is_some_and(|(it, _)| is_hint(it))
}

/// Whether a name, perhaps a qualified one, is all there is, or goes on as SQL would.
fn ends_or_goes_on(text: &str, next: &[&str]) -> bool {
    let mut rest = skip_blanks(text, "");
    let is_name = |c: char| c.is_alphanumeric() || "_.\"".contains(c);
    let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
    rest = &rest[length..];
    let goes_on = |it: &str| next.iter().any(|word| it.eq_ignore_ascii_case(word));
    length > 0 && (is_end(rest) || Words(rest).next().is_some_and(|(word, _)| goes_on(word)))
}

fn contains_word(text: &str, word: &str) -> bool {
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.any(|it| it.eq_ignore_ascii_case(word))
}

fn is_end(text: &str) -> bool {
    let rest = skip_blanks(text, "");
    rest.is_empty() || rest.starts_with(';')
}

pub(super) struct Words<'a>(pub(super) &'a str);

impl<'a> Words<'a> {
    /// The word that the text starts with, and what is behind it.
    pub(super) fn next(&self) -> Option<(&'a str, &'a str)> {
        let text = skip_blanks(self.0, "");
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = text.find(|c| !is_word(c)).unwrap_or(text.len());
        let starts = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
        starts.then(|| text.split_at(length))
    }
}

/// Skips white space, comments and the given characters.
pub(super) fn skip_blanks<'a>(text: &'a str, also: &str) -> &'a str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || also.contains(c));
        rest = if rest.starts_with("--") {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_passed_on(text: &str) {
        assert_eq!(find(text), Some(text));
    }

    #[track_caller]
    fn is_prose(text: &str) {
        assert_eq!(find(text), None);
    }

    #[test]
    fn queries_are_passed_on_as_they_are() {
        is_passed_on("SELECT * FROM penguins");
        is_passed_on("select count(*) from penguins where species = 'Adelie'");
        is_passed_on("select species, island from penguins");
        is_passed_on("select species from penguins");
        is_passed_on("select species kind from penguins");
        is_passed_on("select a from t");
        is_passed_on("select distinct species from penguins");
        is_passed_on("select p.species from penguins p");
        is_passed_on("select \"species\" from penguins");
        is_passed_on("SELECT 1");
        is_passed_on("select pg_sleep(10)");
        is_passed_on("select current_date");
        is_passed_on("(select 1) union (select 2)");
        is_passed_on("-- how many?\nselect 1");
        is_passed_on("/* how many? */ ((select 1))");
        is_passed_on("with x as (select 1) select * from x");
        is_passed_on("WITH RECURSIVE x (n) AS (select 1) select * from x");
        is_passed_on("with x as materialized (select 1) select * from x");
        is_passed_on("values (1), (2)");
        is_passed_on("table penguins");
        is_passed_on("TABLE ds_1.penguins limit 5");
        is_passed_on("explain select 1");
        is_passed_on("select 1; drop table penguins");
        is_passed_on("select species form penguins where 'x' = (select from)");
    }

    #[test]
    fn statements_that_write_are_passed_on_for_the_guard_to_refuse() {
        is_passed_on("INSERT INTO penguins VALUES (1)");
        is_passed_on("update penguins set species = 'x'");
        is_passed_on("delete from penguins");
        is_passed_on("drop table penguins");
        is_passed_on("create or replace function f() returns int as 'select 1'");
        is_passed_on("alter table penguins add x int");
        is_passed_on("truncate penguins");
        is_passed_on("truncate table penguins");
        is_passed_on("grant all on penguins to public");
        is_passed_on("copy penguins to '/tmp/x'");
        is_passed_on("do $$ begin end $$");
        is_passed_on("begin");
        is_passed_on("vacuum full penguins");
        is_passed_on("set role postgres");
    }

    #[test]
    fn a_semicolon_at_the_end_is_left_out() {
        assert_eq!(find("select 1 ; \n"), Some("select 1"));
        assert_eq!(find("table penguins;"), Some("table penguins"));
    }

    #[test]
    fn sentences_that_start_like_sql_are_prose() {
        is_prose("Select the top 5 species");
        is_prose("Select the top 5 species from penguins");
        is_prose("select all penguins");
        is_prose("select penguins");
        is_prose("update me on sales");
        is_prose("with how many penguins did we start?");
        is_prose("With regard to penguins, how many are there?");
        is_prose("with love");
        is_prose("values of body_mass_g");
        is_prose("table of contents");
        is_prose("table penguins how many rows");
        is_prose("delete the old ones");
        is_prose("drop me a line");
        is_prose("insert coin");
        is_prose("create a chart of species");
        is_prose("explain the data");
        is_prose("do penguins fly?");
        is_prose("show tables");
        is_prose("set the table");
        is_prose("copy that");
        is_prose("call me");
        is_prose("grant me three wishes");
        is_prose("begin with penguins");
        is_prose("how many penguins?");
        is_prose("(how many penguins?)");
        is_prose("-- select 1");
        is_prose("/* select 1");
        is_prose("");
        is_prose("();");
    }
}
