use std::{error::Error, fmt};

/// Prints an error with everything that caused it, for the log: as JSON, the log
/// has only an error's own words.
pub fn report(error: &dyn Error) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        let mut printed = error.to_string();
        for cause in std::iter::successors(error.source(), |cause| (**cause).source()) {
            let text = cause.to_string();
            // Transparent errors and those that print their cause say it already.
            if !printed.contains(&text) {
                write!(f, ": {text}")?;
                printed = text;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("query failed")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("no such table")]
    struct Inner;

    #[test]
    fn a_report_names_every_cause_once() {
        assert_eq!(report(&Outer(Inner)).to_string(), "query failed: no such table");
        assert_eq!(report(&Inner).to_string(), "no such table");
    }
}
