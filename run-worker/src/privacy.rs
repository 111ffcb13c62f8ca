//! What a model's provider gets to see of the data. Everything that is sent to one
//! is made here, or is a question, a schema or a statement.

use data_source::{Error as SourceError, Rows, guard};
use model::Tried;
use storage::{
    entity::{
        agent::PrivacyMode,
        message::{Cells, FinishReason},
    },
    memory,
};

use crate::Error;

/// Decides by an agent's mode. A provider within this process is no stranger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate {
    most: Cells,
}

impl Gate {
    pub(crate) fn new(mode: PrivacyMode, is_local: bool) -> Self {
        let most = match mode {
            _ if is_local => Cells::Rows,
            PrivacyMode::None => Cells::None,
            PrivacyMode::Aggregates => Cells::Aggregates,
            PrivacyMode::Full => Cells::Rows,
        };
        Self { most }
    }

    /// What of the data a text may hold that the provider has written.
    pub(crate) fn most(self) -> Cells {
        self.most
    }

    pub(crate) fn lets(self, cells: Cells) -> bool {
        cells <= self.most
    }

    /// An earlier turn: its answer only if that holds no more than may be seen.
    pub(crate) fn turn(self, turn: memory::Turn) -> model::Turn {
        let is_answer = turn.finish_reason == FinishReason::Stop && self.lets(turn.cells);
        model::Turn {
            question: turn.question,
            sql: turn.sql_query,
            answer: is_answer.then_some(turn.answer),
        }
    }

    /// A statement that failed, and why. What a data source says can hold values of
    /// its rows; the standard's name for it, and where it is in the statement, can't.
    pub(crate) fn tried(self, sql: String, error: &Error) -> Tried {
        let problem = match error {
            Error::DataSource(SourceError::Statement { sqlstate, position, .. })
                if !self.lets(Cells::Rows) =>
            {
                described(sqlstate, *position, &sql)
            }
            error => error.to_string(),
        };
        Tried { sql, problem }
    }
}

/// What of the data the rows of a statement are.
pub(crate) fn cells_of(statement: &guard::Query, rows: &Rows) -> Cells {
    if statement.is_aggregate() && rows.rows.len() == 1 { Cells::Aggregates } else { Cells::Rows }
}

fn described(sqlstate: &str, position: Option<u32>, sql: &str) -> String {
    let condition = data_source::condition(sqlstate).unwrap_or("an error");
    let near = position.and_then(|position| {
        let before = usize::try_from(position).ok()?.checked_sub(1)?;
        let (start, _) = sql.char_indices().nth(before)?;
        let rest = &sql[start..];
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        Some(format!(" at {}", &rest[..end]))
    });
    // A server that lies could send anything as a code.
    let is_code = sqlstate.len() == 5 && sqlstate.chars().all(|c| c.is_ascii_alphanumeric());
    let code = if is_code { format!(" (SQLSTATE {sqlstate})") } else { String::new() };
    format!("{condition}{code}{}", near.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_described_by_its_code_and_the_word_of_the_statement_it_is_at() {
        let sql = "SELECT é, nope FROM t";
        let described = |code, position| described(code, position, sql);
        assert_eq!(described("42703", Some(11)), "undefined_column (SQLSTATE 42703) at nope");
        assert_eq!(described("22P02", None), "invalid_text_representation (SQLSTATE 22P02)");
        assert_eq!(described("XX999", Some(0)), "an error (SQLSTATE XX999)");
        assert_eq!(described("XX999", Some(99)), "an error (SQLSTATE XX999)");
        assert_eq!(described("Alice's salary", None), "an error");
    }
}
