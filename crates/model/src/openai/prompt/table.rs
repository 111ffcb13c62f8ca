//! A table as a model reads it.

use data_source::schema::{Column, Table};

use crate::identifier::identifier;

const MAX_LABELS: usize = 30;
const MAX_SAMPLES: usize = 5;
const MAX_COMMENT_CHARS: usize = 200;
const MAX_VALUE_CHARS: usize = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// With comments, labels and samples.
    Full,
    /// Names, types and keys.
    Plain,
}

pub(super) fn name(table: &Table) -> String {
    format!("{}.{}", identifier(&table.schema), identifier(&table.name))
}

/// What it takes at least, without writing it down.
pub(super) fn least_tokens(table: &Table) -> usize {
    let columns = table.columns.iter().map(|it| it.name.len() + it.type_name.len());
    (table.name.len() + columns.sum::<usize>()) / 3
}

pub(super) fn table(table: &Table, detail: Detail) -> String {
    let mut text = format!("TABLE {}{}\n", name(table), comment(table.comment.as_deref(), detail));
    for it in &table.columns {
        text += &column(table, it, detail);
    }
    if table.primary_key.len() > 1 {
        text += &format!("  PRIMARY KEY ({})\n", names(&table.primary_key));
    }
    for key in table.foreign_keys.iter().filter(|it| it.columns.len() != 1) {
        let (to, columns) = (
            format!("{}.{}", identifier(&key.schema), identifier(&key.table)),
            names(&key.referenced),
        );
        text += &format!("  FOREIGN KEY ({}) REFERENCES {to} ({columns})\n", names(&key.columns));
    }
    text
}

fn column(table: &Table, column: &Column, detail: Detail) -> String {
    let mut text = format!("  {} {}", identifier(&column.name), column.type_name);
    if table.primary_key == [column.name.as_str()] {
        text += " PRIMARY KEY";
    } else if !column.nullable {
        text += " NOT NULL";
    }
    for key in table.foreign_keys.iter().filter(|it| it.columns == [column.name.as_str()]) {
        let (schema, to) = (identifier(&key.schema), identifier(&key.table));
        text += &format!(" REFERENCES {schema}.{to} ({})", names(&key.referenced));
    }
    text += &comment(column.comment.as_deref(), detail);
    if detail == Detail::Full {
        text += &values(" -- one of ", &column.labels, MAX_LABELS);
        text += &values(" -- for example ", &column.samples, MAX_SAMPLES);
    }
    text + "\n"
}

fn comment(comment: Option<&str>, detail: Detail) -> String {
    match comment.map(str::trim) {
        Some(comment) if detail == Detail::Full && !comment.is_empty() => {
            format!(" -- {}", one_line(comment, MAX_COMMENT_CHARS))
        }
        _ => String::new(),
    }
}

fn values(introduction: &str, values: &[String], most: usize) -> String {
    let shown: Vec<String> = values
        .iter()
        .take(most)
        .map(|it| format!("'{}'", one_line(it, MAX_VALUE_CHARS).replace('\'', "''")))
        .collect();
    if shown.is_empty() { String::new() } else { format!("{introduction}{}", shown.join(", ")) }
}

fn names(names: &[String]) -> String {
    names.iter().map(|it| identifier(it)).collect::<Vec<_>>().join(", ")
}

fn one_line(text: &str, max_chars: usize) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(max_chars).collect()
}
