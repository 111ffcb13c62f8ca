//! What a run of the harness came to.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{checks::Check, facts::Recovery};

/// Faults, runs and violations.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub seed: u64,
    pub without: Vec<String>,
    pub seconds: u64,
    /// How many times each fault was injected.
    pub faults: BTreeMap<String, usize>,
    /// How many questions were answered with what.
    pub answers: BTreeMap<String, usize>,
    /// How many runs ended in which state, and why.
    pub ends: BTreeMap<String, usize>,
    pub recoveries: Vec<Measured>,
    pub checks: Vec<Check>,
}

/// How long things took to go on after a fault.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub fault: String,
    pub times: usize,
    pub median_milliseconds: u64,
    pub longest_milliseconds: u64,
    pub limit_milliseconds: Option<u64>,
}

impl Measured {
    pub(super) fn of(recoveries: &[Recovery]) -> Vec<Self> {
        let mut by_fault: BTreeMap<&str, Vec<&Recovery>> = BTreeMap::new();
        for recovery in recoveries {
            by_fault.entry(&recovery.fault).or_default().push(recovery);
        }
        let measured = by_fault.into_iter().map(|(fault, of_fault)| {
            let mut times: Vec<_> = of_fault.iter().map(|it| it.milliseconds).collect();
            times.sort_unstable();
            Self {
                fault: fault.to_owned(),
                times: times.len(),
                median_milliseconds: times[times.len() / 2],
                longest_milliseconds: times.last().copied().unwrap_or_default(),
                limit_milliseconds: of_fault[0].limit_milliseconds,
            }
        });
        measured.collect()
    }
}

impl Report {
    /// How many there are in all.
    pub fn violations(&self) -> u64 {
        self.checks.iter().map(|check| check.violations).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {} s", self.seed, self.seconds)?;
        if !self.without.is_empty() {
            writeln!(f, "without {}", self.without.join(", "))?;
        }
        for (title, counts) in
            [("faults", &self.faults), ("questions", &self.answers), ("runs", &self.ends)]
        {
            writeln!(f, "\n{title}: {}", counts.values().sum::<usize>())?;
            for (name, count) in counts {
                writeln!(f, "{count:>7}  {name}")?;
            }
        }
        writeln!(f, "\nuntil things went on, in milliseconds: median, longest")?;
        for it in &self.recoveries {
            let Measured { fault, times, median_milliseconds, longest_milliseconds, .. } = it;
            write!(f, "{median_milliseconds:>7}{longest_milliseconds:>7}  {fault}, {times} times")?;
            match it.limit_milliseconds {
                Some(limit) => writeln!(f, ", at most {limit}")?,
                None => writeln!(f)?,
            }
        }
        writeln!(f, "\nviolations: {}", self.violations())?;
        for check in &self.checks {
            write!(f, "{:>7}  {}", check.violations, check.name)?;
            match check.cases {
                Some(cases) => writeln!(f, " ({cases} cases)")?,
                None => writeln!(f)?,
            }
            for example in &check.examples {
                writeln!(f, "           {example}")?;
            }
        }
        Ok(())
    }
}
