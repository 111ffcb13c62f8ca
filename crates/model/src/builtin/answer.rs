//! Puts a result into words.

use data_source::Rows;

use super::{query::LIST_LIMIT, vocabulary::Language};

const MAX_ROWS: usize = 50;

/// `is_open_list`: the query ends at [`LIST_LIMIT`] rows though nobody asked for that.
pub(super) fn answer(rows: &Rows, language: Language, is_open_list: bool) -> String {
    let is_cut = rows.truncated_by.is_some();
    match (&rows.rows[..], is_cut) {
        ([], true) => in_language(
            language,
            "The result was too large to show: it was cut before its first row.",
            "O resultado era grande demais: foi cortado antes da primeira linha.",
        ),
        ([], false) => no_rows(language),
        ([row], false) if row.len() == 1 => row[0].clone().unwrap_or_else(|| no_value(language)),
        _ => {
            let table = markdown(rows);
            match note(rows, language, is_open_list) {
                Some(note) => format!("{table}\n{note}"),
                None => table.trim_end().to_owned(),
            }
        }
    }
}

fn no_rows(language: Language) -> String {
    in_language(language, "No rows match.", "Nenhuma linha corresponde.")
}

/// Of an aggregate over no rows, or of a cell that is empty.
fn no_value(language: Language) -> String {
    in_language(language, "No value (NULL).", "Nenhum valor (NULL).")
}

fn in_language(language: Language, english: &str, portuguese: &str) -> String {
    match language {
        Language::English => english.to_owned(),
        Language::Portuguese => portuguese.to_owned(),
    }
}

fn markdown(rows: &Rows) -> String {
    let header = rows.columns.iter().map(|it| cell(&it.name));
    let mut table = line(header) + &line(rows.columns.iter().map(|_| "---".to_owned()));
    for row in rows.rows.iter().take(MAX_ROWS) {
        table += &line(row.iter().map(|it| it.as_deref().map_or("NULL".to_owned(), cell)));
    }
    table
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A value is data: it can neither end its cell nor its row.
fn cell(value: &str) -> String {
    let is_break =
        |c: char| matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    value.replace("\r\n", " ").replace(is_break, " ").replace('\\', "\\\\").replace('|', "\\|")
}

/// What the table leaves out, if it does.
fn note(rows: &Rows, language: Language, is_open_list: bool) -> Option<String> {
    let count = rows.rows.len();
    let shown = count.min(MAX_ROWS);
    let total = rows.total_rows.filter(|_| rows.truncated_by.is_some());
    let note = if let Some(total) = total {
        in_language(
            language,
            "Showing the first {shown} of {total} rows: the result was cut.",
            "Mostrando as primeiras {shown} de {total} linhas: o resultado foi cortado.",
        )
        .replace("{total}", &total.to_string())
    } else if rows.truncated_by.is_some() {
        in_language(
            language,
            "Showing the first {shown} of more than {count} rows: the result was cut.",
            "Mostrando as primeiras {shown} de mais de {count} linhas: o resultado foi cortado.",
        )
    } else if is_open_list && u64::try_from(count) == Ok(LIST_LIMIT) {
        in_language(
            language,
            "Showing {shown} rows. The list ends at {count}: there may be more.",
            "Mostrando {shown} linhas. A lista termina em {count}: pode haver mais.",
        )
    } else if count > shown {
        in_language(
            language,
            "Showing {shown} of {count} rows.",
            "Mostrando {shown} de {count} linhas.",
        )
    } else {
        return None;
    };
    Some(note.replace("{shown}", &shown.to_string()).replace("{count}", &count.to_string()))
}

/// To be said beside an answer that was made of a part of the rows.
pub(super) fn truncation_note(rows: &Rows, language: Language) -> Option<String> {
    rows.truncated_by?;
    let note = match rows.total_rows {
        Some(total) => in_language(
            language,
            "The result has {total} rows; only the first {count} were read.",
            "O resultado tem {total} linhas; só as primeiras {count} foram lidas.",
        )
        .replace("{total}", &total.to_string()),
        None => in_language(
            language,
            "The result was cut after {count} rows; there are more.",
            "O resultado foi cortado depois de {count} linhas; há mais.",
        ),
    };
    Some(note.replace("{count}", &rows.rows.len().to_string()))
}

/// To be said beside an answer whose model had no room for all the rows.
pub(super) fn shown_note(shown: usize, of: usize, language: Language) -> Option<String> {
    let note = in_language(
        language,
        "The model saw only the first {shown} of {of} rows.",
        "O modelo viu apenas as primeiras {shown} de {of} linhas.",
    );
    let note = note.replace("{shown}", &shown.to_string()).replace("{of}", &of.to_string());
    (shown < of).then_some(note)
}

#[cfg(test)]
mod tests {
    use data_source::rows::{ResultColumn, TruncatedBy};

    use super::*;

    fn rows(columns: &[&str], rows: &[&[Option<&str>]]) -> Rows {
        let column =
            |name: &&str| ResultColumn { name: (*name).to_owned(), type_name: "text".to_owned() };
        let row = |row: &&[Option<&str>]| row.iter().map(|it| it.map(str::to_owned)).collect();
        Rows {
            columns: columns.iter().map(column).collect(),
            rows: rows.iter().map(row).collect(),
            ..Rows::default()
        }
    }

    fn numbered(count: usize) -> Rows {
        let mut all = rows(&["n"], &[]);
        all.rows = (1..=count).map(|n| vec![Some(n.to_string())]).collect();
        all
    }

    #[track_caller]
    fn check(rows: &Rows, expected: &str) {
        assert_eq!(answer(rows, Language::English, false), expected);
    }

    #[track_caller]
    fn check_note(rows: &Rows, is_open_list: bool, english: &str, portuguese: &str) {
        for (language, expected) in
            [(Language::English, english), (Language::Portuguese, portuguese)]
        {
            let answer = answer(rows, language, is_open_list);
            assert_eq!(answer.lines().last(), Some(expected));
            assert!(answer.lines().count() <= MAX_ROWS + 4);
        }
    }

    #[test]
    fn a_single_value_is_given_alone() {
        check(&rows(&["count"], &[&[Some("344")]]), "344");
        check(&rows(&["note"], &[&[Some("a|b\nc")]]), "a|b\nc");
        check(&rows(&["note"], &[&[Some("")]]), "");
    }

    #[test]
    fn nothing_is_said_in_words() {
        check(&rows(&["avg"], &[&[None]]), "No value (NULL).");
        check(&rows(&["species", "avg"], &[]), "No rows match.");
        let portuguese = answer(&rows(&["avg"], &[]), Language::Portuguese, false);
        assert_eq!(portuguese, "Nenhuma linha corresponde.");
    }

    #[test]
    fn several_values_make_a_table_that_no_value_can_break() {
        check(
            &rows(&["a|b", "n"], &[&[Some("x\r\ny"), Some("1")], &[Some("\\|"), None]]),
            "| a\\|b | n |\n| --- | --- |\n| x y | 1 |\n| \\\\\\| | NULL |",
        );
    }

    #[test]
    fn rows_that_are_left_out_are_said_to_be() {
        check_note(&numbered(50), false, "| 50 |", "| 50 |");
        check_note(&numbered(344), false, "Showing 50 of 344 rows.", "Mostrando 50 de 344 linhas.");
        check_note(
            &numbered(100),
            true,
            "Showing 50 rows. The list ends at 100: there may be more.",
            "Mostrando 50 linhas. A lista termina em 100: pode haver mais.",
        );
        check_note(&numbered(60), true, "Showing 50 of 60 rows.", "Mostrando 50 de 60 linhas.");
    }

    #[test]
    fn a_result_that_was_cut_is_never_given_as_the_whole() {
        let cut = |count| Rows { truncated_by: Some(TruncatedBy::Bytes), ..numbered(count) };
        check_note(
            &cut(500),
            false,
            "Showing the first 50 of more than 500 rows: the result was cut.",
            "Mostrando as primeiras 50 de mais de 500 linhas: o resultado foi cortado.",
        );
        let counted = Rows { total_rows: Some(5_000), ..cut(500) };
        check_note(
            &counted,
            true,
            "Showing the first 50 of 5000 rows: the result was cut.",
            "Mostrando as primeiras 50 de 5000 linhas: o resultado foi cortado.",
        );
        check(
            &cut(1),
            "| n |\n| --- |\n| 1 |\n\nShowing the first 1 of more than 1 rows: the result was cut.",
        );
        check(&cut(0), "The result was too large to show: it was cut before its first row.");
    }

    #[test]
    fn a_cut_is_noted_with_the_number_that_is_known() {
        let cut = Rows { truncated_by: Some(TruncatedBy::Rows), ..numbered(500) };
        let note = |rows: &Rows, language| truncation_note(rows, language).unwrap();
        let (english, portuguese) = (Language::English, Language::Portuguese);
        assert_eq!(note(&cut, english), "The result was cut after 500 rows; there are more.");
        assert_eq!(
            note(&cut, portuguese),
            "O resultado foi cortado depois de 500 linhas; há mais."
        );
        let counted = Rows { total_rows: Some(5_000), ..cut };
        let expected = "The result has 5000 rows; only the first 500 were read.";
        assert_eq!(note(&counted, english), expected);
        let expected = "O resultado tem 5000 linhas; só as primeiras 500 foram lidas.";
        assert_eq!(note(&counted, portuguese), expected);
        assert_eq!(truncation_note(&numbered(500), english), None);
    }
}
