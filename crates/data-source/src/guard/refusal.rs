use std::fmt::Display;

/// The longest name or parser message that a refusal repeats.
const MAX_CHARS: usize = 200;

/// Why a statement is refused, for a person to read and for a model to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the statement is too large: at most {limit} are accepted")]
    TooLarge { limit: String },
    #[error("the statement could not be read as SQL: {message}")]
    NotParsed { message: String },
    #[error("only one SELECT query is accepted, not {found}")]
    NotAQuery { found: String },
    #[error("the table {table} is not among those that may be read")]
    TableNotAllowed { table: String },
    #[error("the function {function} is not allowed")]
    FunctionNotAllowed { function: String },
    #[error("not allowed in a query: {construct}")]
    ConstructNotAllowed { construct: String },
}

impl Refusal {
    /// All names of rules.
    pub const REASONS: [&str; 6] = [
        "SQL_TOO_LARGE",
        "SQL_NOT_PARSED",
        "SQL_NOT_A_QUERY",
        "SQL_TABLE_NOT_ALLOWED",
        "SQL_FUNCTION_NOT_ALLOWED",
        "SQL_CONSTRUCT_NOT_ALLOWED",
    ];

    /// The name of the rule, for events and for the API.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "SQL_TOO_LARGE",
            Self::NotParsed { .. } => "SQL_NOT_PARSED",
            Self::NotAQuery { .. } => "SQL_NOT_A_QUERY",
            Self::TableNotAllowed { .. } => "SQL_TABLE_NOT_ALLOWED",
            Self::FunctionNotAllowed { .. } => "SQL_FUNCTION_NOT_ALLOWED",
            Self::ConstructNotAllowed { .. } => "SQL_CONSTRUCT_NOT_ALLOWED",
        }
    }

    pub(super) fn too_large(limit: impl Display) -> Self {
        Self::TooLarge { limit: limit.to_string() }
    }

    pub(super) fn not_parsed(message: impl Display) -> Self {
        Self::NotParsed { message: bounded(message) }
    }

    pub(super) fn not_a_query(found: impl Display) -> Self {
        Self::NotAQuery { found: bounded(found) }
    }

    pub(super) fn table(table: impl Display) -> Self {
        Self::TableNotAllowed { table: bounded(table) }
    }

    pub(super) fn function(function: impl Display) -> Self {
        Self::FunctionNotAllowed { function: bounded(function) }
    }

    pub(super) fn construct(construct: impl Display) -> Self {
        Self::ConstructNotAllowed { construct: bounded(construct) }
    }
}

/// Refuses the construct if it is there.
pub(super) fn refuse_if(present: bool, construct: &str) -> Result<(), Refusal> {
    if present { Err(Refusal::construct(construct)) } else { Ok(()) }
}

fn bounded(text: impl Display) -> String {
    let text = text.to_string();
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_repeats_only_the_beginning_of_a_long_name() {
        let refusal = Refusal::table("é".repeat(5000));

        assert!(refusal.to_string().len() < 1000);
        assert_eq!(refusal.reason(), "SQL_TABLE_NOT_ALLOWED");
    }
}
