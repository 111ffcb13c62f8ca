//! How many rows a statement returns or changes.

use std::fmt;

use recorder::Execution;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    Exactly(u64),
    /// Not always as many, but never none.
    Some,
    Any,
}

impl Rows {
    /// As many as the command tags speak of.
    pub(super) fn of(same: &[&Execution]) -> Self {
        let counted = same.iter().map(|it| it.tags.last()?.rsplit(' ').next()?.parse().ok());
        counted.collect::<Option<Vec<u64>>>().map_or(Self::Any, |it| Self::among(&it))
    }

    fn among(counted: &[u64]) -> Self {
        match counted {
            [first, others @ ..] if others.iter().all(|it| it == first) => Self::Exactly(*first),
            _ if counted.contains(&0) => Self::Any,
            _ => Self::Some,
        }
    }

    pub(super) fn allows(self, affected: Option<u64>) -> bool {
        match self {
            Self::Exactly(rows) => affected == Some(rows),
            Self::Some => affected.is_some_and(|rows| 0 < rows),
            Self::Any => true,
        }
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(rows) => write!(f, "{rows}"),
            Self::Some => f.write_str("some"),
            Self::Any => f.write_str("any"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(counted: &[u64], allowed: &[u64], refused: &[u64]) {
        let rows = Rows::among(counted);

        assert!(allowed.iter().all(|it| rows.allows(Some(*it))), "{rows} of {counted:?}");
        assert!(!refused.iter().any(|it| rows.allows(Some(*it))), "{rows} of {counted:?}");
    }

    #[test]
    fn there_are_as_many_rows_as_there_always_were() {
        check(&[7, 7, 7], &[7], &[0, 6, 8]);
        check(&[0, 0, 0], &[0], &[1]);
    }

    #[test]
    fn there_are_some_rows_if_there_were_never_none() {
        check(&[7, 1, 3], &[1, 900], &[0]);
        check(&[7, 0, 3], &[0, 900], &[]);
    }
}
