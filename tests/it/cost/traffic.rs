//! What calls lead to between us, Postgres and NATS.

use std::collections::HashSet;

use recorder::{Execution, Trip};

use super::table::{Column, Form};

pub(super) static FORM: Form<6> = Form {
    head: "# What a call costs: Postgres' statements, round trips that execute or parse something,
# those that do neither (a pool asks whether a connection lives), bytes sent and received
# in the former; and messages published to NATS. `Run` is a question from StartRun to its
# answer. Counts are exact, bytes nearly. Made by the test; see tests/it/cost.rs.
",
    columns: [
        Column::exact("statements"),
        Column::exact("round-trips"),
        Column::exact("pings"),
        Column { name: "sent", tolerance: BYTES },
        Column { name: "received", tolerance: BYTES },
        Column::exact("publishes"),
    ],
    known: concat!(env!("CARGO_MANIFEST_DIR"), "/it/cost/expected.txt"),
    measured: concat!(env!("CARGO_TARGET_TMPDIR"), "/cost.txt"),
};

/// Ids and times are of different lengths as text.
const BYTES: (usize, usize) = (3, 24);

/// What workers do beside runs is done some time.
const BESIDE: &str =
    "WITH due AS MATERIALIZED (\n            SELECT subject_id FROM background_tasks";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    statements: usize,
    round_trips: usize,
    pings: usize,
    sent: usize,
    received: usize,
    publishes: usize,
}

impl Cost {
    pub(super) fn of(
        [statements, round_trips, pings, sent, received, publishes]: [usize; 6],
    ) -> Self {
        Self { statements, round_trips, pings, sent, received, publishes }
    }

    pub(super) fn numbers(self) -> [usize; 6] {
        let Self { statements, round_trips, pings, sent, received, publishes } = self;
        [statements, round_trips, pings, sent, received, publishes]
    }

    pub(super) fn least(self, other: Self) -> Self {
        let (one, other) = (self.numbers(), other.numbers());
        Self::of(std::array::from_fn(|index| one[index].min(other[index])))
    }

    /// Whether it is as many statements and messages at least as the other is.
    pub(super) fn covers(self, other: Self) -> bool {
        other.statements <= self.statements
            && other.round_trips <= self.round_trips
            && other.pings <= self.pings
            && other.publishes <= self.publishes
    }
}

#[derive(Default)]
pub(super) struct Traffic {
    pub(super) trips: Vec<Trip>,
    pub(super) executions: Vec<Execution>,
    pub(super) publishes: usize,
}

impl Traffic {
    /// Statements that are prepared once in a connection's life are not counted.
    pub(super) fn cost(&self) -> Cost {
        let beside: HashSet<u64> = self
            .executions
            .iter()
            .filter(|it| it.sql.trim_start().starts_with(BESIDE))
            .map(|it| it.trip)
            .collect();
        let of_calls = || self.trips.iter().filter(|it| !beside.contains(&it.number));
        let counted = || of_calls().filter(|it| 0 < it.executed + it.unnamed);
        let executions = self.executions.iter().filter(|it| !beside.contains(&it.trip));
        Cost {
            // A simple query may hold several.
            statements: executions.map(|it| it.tags.len().max(1)).sum(),
            round_trips: counted().count(),
            pings: of_calls().filter(|it| it.is_ping()).count(),
            sent: counted().map(|it| it.sent).sum(),
            received: counted().map(|it| it.received).sum(),
            publishes: self.publishes,
        }
    }
}
