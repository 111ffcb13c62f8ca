//! What became of the requests, and whether that can be right on the whole.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use tonic::Code;

/// How many different faults are kept.
const FAULTS: usize = 50;
/// At most one in so many may be answered with UNAVAILABLE, for a source that can't be reached;
/// at least one in so many succeeds, or the rest of the service was not asked.
const MOST_UNAVAILABLE: usize = 50;
const LEAST_OK: usize = 200;
/// Fewer answers say nothing of shares.
const ENOUGH: usize = 1_000;

/// What was seen of a request's end.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    code: Option<Code>,
    what: String,
}

impl Seen {
    pub(super) fn status(code: Code, what: String) -> Self {
        Self { code: Some(code), what }
    }

    /// Anything but a canonical status.
    pub(super) fn other(what: &str) -> Self {
        Self { code: None, what: what.to_owned() }
    }

    pub(super) fn of(self, client: &str) -> Self {
        Self { what: format!("{client}: {}", self.what), ..self }
    }
}

#[derive(Debug, Default)]
pub struct Report {
    pub answers: BTreeMap<String, usize>,
    pub faults: BTreeMap<String, usize>,
    statuses: BTreeMap<i32, usize>,
}

impl Report {
    /// Adds the faults that no single answer shows.
    pub(super) fn conclude(&mut self) {
        let all: usize = self.statuses.values().sum();
        let count = |code: Code| self.statuses.get(&(code as i32)).copied().unwrap_or_default();
        let (unavailable, ok) = (count(Code::Unavailable), count(Code::Ok));
        if all < ENOUGH {
            return;
        }
        if all < unavailable * MOST_UNAVAILABLE {
            self.fault(format!("{unavailable} of {all} answers are UNAVAILABLE"));
        }
        if ok * LEAST_OK < all {
            self.fault(format!("only {ok} of {all} answers are OK"));
        }
    }

    pub(super) fn add(&mut self, outcome: Result<Seen, String>) {
        match outcome {
            Ok(Seen { code, what }) => {
                *self.answers.entry(what).or_default() += 1;
                if let Some(code) = code {
                    *self.statuses.entry(code as i32).or_default() += 1;
                }
            }
            Err(fault) => self.fault(fault),
        }
    }

    pub(super) fn fault(&mut self, fault: String) {
        if self.faults.len() < FAULTS || self.faults.contains_key(&fault) {
            *self.faults.entry(fault).or_default() += 1;
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (answer, count) in other.answers {
            *self.answers.entry(answer).or_default() += count;
        }
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        for (code, count) in other.statuses {
            *self.statuses.entry(code).or_default() += count;
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (answer, count) in &self.answers {
            writeln!(f, "{count:>9}  {answer}")?;
        }
        for (fault, count) in &self.faults {
            writeln!(f, "{count:>9}  WRONG: {fault}")?;
        }
        let all: usize = self.answers.values().chain(self.faults.values()).sum();
        let answered: usize = self.statuses.values().sum();
        write!(f, "{all:>9}  in all, {answered} of them answered with a canonical status")
    }
}

/// Where clients write down what they see.
#[derive(Debug, Default)]
pub(super) struct Notes(Mutex<Report>);

impl Notes {
    pub(super) fn add(&self, outcome: Result<Seen, String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(outcome);
    }

    pub(super) fn take(&self) -> Report {
        let mut report =
            std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        report.conclude();
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ok: usize, unavailable: usize, fault: Option<&str>) {
        let mut report = Report::default();
        for (code, count) in [(Code::Ok, ok), (Code::Unavailable, unavailable)] {
            for _ in 0..count {
                report.add(Ok(Seen::status(code, format!("{code:?}"))));
            }
        }
        for _ in ok + unavailable..2_000 {
            report.add(Ok(Seen::status(Code::NotFound, "NotFound".to_owned())));
        }
        report.conclude();
        let found: Vec<&String> = report.faults.keys().collect();
        assert_eq!(found.len(), usize::from(fault.is_some()), "{found:?}");
        assert!(fault.is_none_or(|it| found[0].contains(it)), "{found:?}");
    }

    #[test]
    fn a_service_that_refuses_everything_is_at_fault() {
        check(20, 10, None);
        check(100, 100, Some("UNAVAILABLE"));
        check(0, 10, Some("OK"));
    }
}
