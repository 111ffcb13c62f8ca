//! What was measured: rounds, and what they come to.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::cpu::Parts;

/// Nanoseconds, to three digits.
pub(crate) type Latencies = Histogram<u64>;

/// One round of load.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) calls: u64,
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Latencies,
    pub(crate) cpu: Parts<Duration>,
}

/// The middle of what the rounds gave, and how far they are apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// All rounds of one kind, without the warm-up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) rounds: Vec<Round>,
}

impl Spread {
    /// Of no figures, zero.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let last = figures.len().saturating_sub(1);
        let at = |index: usize| figures.get(index).copied().unwrap_or_default();
        let median = f64::midpoint(at(last / 2), at(last.div_ceil(2)));
        Self { median, min: at(0), max: at(last) }
    }
}

impl Measured {
    /// Calls a second.
    pub(crate) fn rate(&self) -> Spread {
        self.spread(Round::rate)
    }

    /// Milliseconds within which this part of the calls was answered.
    pub(crate) fn latency_ms(&self, quantile: f64) -> Spread {
        self.spread(|round| round.latency_ms(quantile))
    }

    /// Microseconds of CPU a call, by part.
    pub(crate) fn cpu_us(&self) -> Parts<Spread> {
        let spread =
            |part: fn(Parts<f64>) -> f64| self.spread(|round| part(round.cpu_us_by_part()));
        Parts {
            service: spread(|it| it.service),
            worker: spread(|it| it.worker),
            postgres: spread(|it| it.postgres),
            nats: spread(|it| it.nats),
            client: spread(|it| it.client),
        }
    }

    fn spread(&self, figure: impl Fn(&Round) -> f64) -> Spread {
        Spread::of(self.rounds.iter().map(figure))
    }
}

impl Round {
    pub(crate) fn rate(&self) -> f64 {
        self.calls as f64 / self.elapsed.as_secs_f64()
    }

    pub(crate) fn latency_ms(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1e6
    }

    pub(crate) fn cpu_us_by_part(&self) -> Parts<f64> {
        self.cpu.map(|it| it.as_secs_f64() * 1e6 / self.calls.max(1) as f64)
    }
}

/// What a call costs the product over what it costs the bare loop, round by round.
pub(crate) fn cpu_ratio(ours: &Measured, bare: &Measured) -> Spread {
    let rounds = ours.rounds.iter().zip(&bare.rounds);
    Spread::of(rounds.map(|(ours, bare)| {
        ours.cpu_us_by_part().of_product() / bare.cpu_us_by_part().of_bare_loop()
    }))
}

/// What a figure is on one side over the other, round by round.
pub(crate) fn ratio(ours: &Measured, theirs: &Measured, figure: impl Fn(&Round) -> f64) -> Spread {
    let rounds = ours.rounds.iter().zip(&theirs.rounds);
    Spread::of(rounds.map(|(ours, theirs)| figure(ours) / figure(theirs)))
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;

    use super::*;

    fn round(calls: u64, client_us: u64) -> Round {
        let mut latencies = Histogram::new(3).unwrap();
        latencies.record_n(2_000_000, calls).unwrap();
        let client = Duration::from_micros(client_us);
        let cpu = Parts { client, ..Parts::default() };
        Round { calls, elapsed: Duration::from_secs(2), latencies, cpu }
    }

    #[test]
    fn the_median_lies_between_the_middle_two_of_an_even_number_of_figures() {
        assert_eq!(Spread::of([4.0, 1.0, 3.0, 2.0]), Spread { median: 2.5, min: 1.0, max: 4.0 });
        assert_eq!(Spread::of([9.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 9.0 });
        assert_eq!(Spread::of([]), Spread { median: 0.0, min: 0.0, max: 0.0 });
    }

    #[test]
    fn rates_latencies_and_cpu_are_told_by_the_call() {
        let measured = Measured { rounds: vec![round(10, 50), round(20, 50), round(40, 400)] };

        assert_eq!(measured.rate(), Spread { median: 10.0, min: 5.0, max: 20.0 });
        assert_eq!(measured.cpu_us().client, Spread { median: 5.0, min: 2.5, max: 10.0 });
        assert!((measured.latency_ms(0.5).median - 2.0).abs() < 0.01);
    }

    #[test]
    fn sides_are_compared_round_by_round() {
        let ours = Measured { rounds: vec![round(10, 0), round(20, 0), round(30, 0)] };
        let theirs = Measured { rounds: vec![round(20, 0), round(60, 0), round(30, 0)] };

        let ratio = ratio(&theirs, &ours, Round::rate);

        assert_eq!(ratio, Spread { median: 2.0, min: 1.0, max: 3.0 });
    }
}
