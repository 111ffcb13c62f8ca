//! Which faults there are, and in which order the seed has them happen.

use std::time::Duration;

use clap::ValueEnum;
use rand::{rngs::StdRng, seq::SliceRandom as _};

/// What the harness does to the pair and its servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Kill a service that has acknowledged a run and not yet published its wake-up
    KillServiceBeforePublish,
    /// Kill a worker the moment it has claimed a run
    KillWorkerAfterClaim,
    /// Kill a worker while the data source executes its statement
    KillWorkerExecuting,
    /// Kill a worker in the transaction that ends a run
    KillWorkerBeforeCommit,
    /// Kill a worker that has ended a run and not yet acknowledged its wake-up
    KillWorkerBeforeAck,
    /// Kill any process, whatever it does
    KillAny,
    /// Stop a worker until another has claimed its run, and let it go on beside that one
    PauseWorker,
    /// Stop a worker in the transaction that ends a run, past its lease
    PauseWorkerBeforeCommit,
    /// Hold back all bytes between a worker and Postgres, past its lease
    CutOffWorker,
    /// Deliver every wake-up three times, to several workers at once
    DuplicateDeliveries,
    /// Stop NATS for a minute
    StopNats,
    /// Delete all streams
    WipeStreams,
    /// Restart Postgres with its fast shutdown
    RestartPostgresFast,
    /// Restart Postgres with its immediate shutdown, as after a crash
    RestartPostgresImmediate,
    /// End all connections to Postgres, then those of a process to both servers
    CutConnections,
    /// Replace each process in turn, asking it to end
    RollingRestart,
}

impl Fault {
    /// After which it is always measured how long things take to go on.
    pub(super) const MEASURED: [Self; 7] = [
        Self::KillWorkerAfterClaim,
        Self::KillWorkerExecuting,
        Self::KillWorkerBeforeCommit,
        Self::KillWorkerBeforeAck,
        Self::StopNats,
        Self::RestartPostgresFast,
        Self::RestartPostgresImmediate,
    ];

    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// About how long it takes, with what it takes to see its consequences.
    pub(super) fn duration(self, quick: bool) -> Duration {
        Duration::from_secs(match self {
            Self::StopNats if quick => 8,
            Self::StopNats => 65,
            Self::RollingRestart => 15,
            Self::DuplicateDeliveries if quick => 3,
            Self::DuplicateDeliveries => 12,
            Self::PauseWorker | Self::PauseWorkerBeforeCommit | Self::CutOffWorker => 9,
            Self::WipeStreams | Self::CutConnections => 3,
            _ => 6,
        })
    }

    /// How many times it happens.
    fn times(self, quick: bool) -> usize {
        match self {
            _ if quick => 1,
            Self::StopNats => 1,
            Self::RollingRestart | Self::DuplicateDeliveries => 2,
            _ => 3,
        }
    }
}

/// The faults in the order in which they happen.
pub(super) fn plan(faults: &[Fault], quick: bool, random: &mut StdRng) -> Vec<Fault> {
    let mut plan: Vec<_> =
        faults.iter().flat_map(|fault| vec![*fault; fault.times(quick)]).collect();
    plan.shuffle(random);
    plan
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn a_seed_fixes_the_order_and_every_fault_happens() {
        let all = Fault::value_variants();
        let plan = |seed| plan(all, false, &mut StdRng::seed_from_u64(seed));

        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1), plan(2));
        assert!(all.iter().all(|fault| plan(3).contains(fault)));
    }
}
