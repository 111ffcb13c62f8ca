//! Memory over time.

use std::{fmt, time::Duration};

/// How much of the time, around a moment, says how it was then: single samples jump.
const WINDOW: f64 = 0.1;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) after: Duration,
    pub(super) mib: f64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    pub(super) samples: Vec<Sample>,
}

impl Course {
    /// The memory around a part of the time, from 0 to 1: the median of a window.
    pub(super) fn at(&self, part: f64) -> Option<f64> {
        let end = self.samples.last()?.after.as_secs_f64();
        // At the beginning and at the end, the window lies within.
        let from = (part - WINDOW / 2.0).clamp(0.0, 1.0 - WINDOW) * end;
        let window = from..=from + WINDOW * end;
        let samples = self.samples.iter().filter(|it| window.contains(&it.after.as_secs_f64()));
        let mut mib: Vec<f64> = samples.map(|sample| sample.mib).collect();
        mib.sort_by(f64::total_cmp);
        mib.get(mib.len() / 2).copied()
    }

    /// The memory at the end over that half-way, when all that is kept on purpose was filled.
    pub(super) fn growth(&self) -> Option<f64> {
        Some(self.at(1.0)? / self.at(0.5)?)
    }

    /// MiB an hour in the second half, by least squares.
    pub(super) fn slope(&self) -> f64 {
        let half = self.samples.len() / 2;
        let points = self.samples[half..].iter();
        let points: Vec<(f64, f64)> =
            points.map(|it| (it.after.as_secs_f64() / 3600.0, it.mib)).collect();
        let mean = |of: fn(&(f64, f64)) -> f64| {
            points.iter().map(of).sum::<f64>() / points.len().max(1) as f64
        };
        let (hours, mib) = (mean(|it| it.0), mean(|it| it.1));
        let both: f64 = points.iter().map(|it| (it.0 - hours) * (it.1 - mib)).sum();
        let squares: f64 = points.iter().map(|it| (it.0 - hours).powi(2)).sum();
        if squares == 0.0 { 0.0 } else { both / squares }
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [0.1, 0.5, 1.0] {
            let mib = self.at(part).unwrap_or_default();
            write!(f, "{mib:.1} MiB at {:.0} %, ", part * 100.0)?;
        }
        write!(f, "{:+.1} MiB an hour in the second half", self.slope())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(mib: impl Fn(f64) -> f64) -> Course {
        let sample = |minute: u64| Sample {
            after: Duration::from_secs(60 * minute),
            mib: mib(minute as f64 / 60.0),
        };
        Course { samples: (0..=60).map(sample).collect() }
    }

    #[test]
    fn memory_that_grows_all_the_time_is_growth() {
        let course = course(|hours| 50.0 + 20.0 * hours);

        assert!((course.slope() - 20.0).abs() < 0.01, "{}", course.slope());
        assert!(1.1 < course.growth().unwrap());
        assert!(course.at(0.1).unwrap() < course.at(0.5).unwrap());
    }

    #[test]
    fn memory_that_is_filled_once_is_none() {
        let course = course(|hours| if hours < 0.2 { 20.0 } else { 60.0 });

        assert_eq!(course.growth(), Some(1.0));
        assert_eq!(course.slope(), 0.0);
    }

    #[test]
    fn a_single_peak_is_none() {
        let course = course(|hours| if hours == 1.0 { 500.0 } else { 60.0 });

        assert_eq!(course.growth(), Some(1.0));
    }

    #[test]
    fn what_was_not_watched_has_no_growth() {
        assert_eq!(Course::default().growth(), None);
    }
}
