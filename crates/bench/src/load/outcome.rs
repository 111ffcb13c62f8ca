//! What came of a round's calls.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::measured::Latencies;

/// Longer calls count as this long.
const LONGEST: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(crate) struct Outcome {
    /// Of the calls that were answered as they have to be; of those that were due and not made,
    /// how long they had waited at the end.
    pub(crate) latencies: Latencies,
    pub(crate) elapsed: Duration,
    /// Calls that were due and not made.
    pub(crate) unsent: u64,
    failed: u64,
    first_failure: Option<anyhow::Error>,
}

impl Default for Outcome {
    fn default() -> Self {
        let longest = LONGEST.as_nanos() as u64;
        let latencies = Histogram::new_with_max(longest, 3).expect("the bounds are in order");
        Self { latencies, elapsed: Duration::ZERO, unsent: 0, failed: 0, first_failure: None }
    }
}

impl Outcome {
    pub(super) fn note(&mut self, called: anyhow::Result<()>, latency: Duration) {
        match called {
            Ok(()) => self.record(latency),
            Err(error) => {
                self.failed += 1;
                self.first_failure.get_or_insert(error);
            }
        }
    }

    /// Left out, the calls that waited longest would be missing.
    pub(super) fn note_unsent(&mut self, waited: Duration) {
        self.unsent += 1;
        self.record(waited);
    }

    fn record(&mut self, latency: Duration) {
        self.latencies.saturating_record(latency.as_nanos() as u64);
    }

    /// How many calls were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.latencies.len() - self.unsent
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed != 0
    }

    pub(super) fn add(&mut self, other: Self) {
        self.latencies.add(&other.latencies).expect("all have the same bounds");
        self.unsent += other.unsent;
        self.failed += other.failed;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }

    /// Fails if any call did: a figure over what did not fail would flatter.
    pub(super) fn check(mut self) -> anyhow::Result<Self> {
        let Some(error) = self.first_failure.take() else { return Ok(self) };
        let (failed, calls) = (self.failed, self.answered() + self.failed);
        Err(error)
            .map_err(|it: anyhow::Error| it.context(format!("{failed} of {calls} calls failed")))
    }
}
