use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::StreamExt as _;
use recorder::{Execution, Recorder, Trip};
use tokio::time;

use super::table::{Cost, Table};
use crate::harness::Harness;

/// What a call leads to comes so soon after its answer, such as the pings of a pool to
/// which connections come back.
const SOON: Duration = Duration::from_millis(30);

/// What workers do beside runs is done some time.
const BESIDE: &str =
    "WITH due AS MATERIALIZED (\n            SELECT subject_id FROM background_tasks";

/// Measures calls of one service, or of a service and a worker.
pub(super) struct Meter<'a> {
    recorder: &'a Recorder,
    published: Arc<AtomicUsize>,
    costs: BTreeMap<&'static str, Cost>,
    /// What each call has executed when it was measured last.
    executed: BTreeMap<&'static str, Vec<Execution>>,
}

impl<'a> Meter<'a> {
    pub(super) async fn start(harness: &Harness, recorder: &'a Recorder) -> Self {
        let published = Arc::<AtomicUsize>::default();
        let messages = harness.nats.subscribe(harness.names.all_messages()).await;
        let mut messages = messages.expect("NATS answers");
        harness.nats.flush().await.expect("NATS answers");
        let counter = Arc::clone(&published);
        tokio::spawn(async move {
            while messages.next().await.is_some() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { recorder, published, costs: BTreeMap::new(), executed: BTreeMap::new() }
    }

    /// Makes a call, and notes what it costs; of several calls of one name, the least.
    pub(super) async fn of<T>(&mut self, name: &'static str, call: impl Future<Output = T>) -> T {
        self.all_since().await;
        let answer = call.await;
        let (trips, executions, publishes) = self.all_since().await;

        let cost = cost(&trips, &executions, publishes);
        let least = self.costs.remove(name).map_or(cost, |known| known.least(cost));
        self.costs.insert(name, least);
        self.executed.insert(name, executions);
        answer
    }

    pub(super) fn table(&self) -> Table {
        Table::new(self.costs.iter().map(|(name, cost)| ((*name).to_owned(), *cost)))
    }

    /// What was executed by the calls whose names fulfil a condition.
    pub(super) fn executed(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<&Execution> {
        let calls = self.executed.iter().filter(|(name, _)| is_wanted(name));
        calls.flat_map(|(_, executions)| executions).collect()
    }

    /// Waits until nothing more comes of what was done, and returns that.
    async fn all_since(&self) -> (Vec<Trip>, Vec<Execution>, usize) {
        let (mut trips, mut executions, mut publishes) = (Vec::new(), Vec::new(), 0);
        loop {
            time::sleep(SOON).await;
            self.recorder.settled().await;
            let (more, published) =
                (self.recorder.take_trips(), self.published.swap(0, Ordering::SeqCst));
            executions.extend(self.recorder.take());
            if more.is_empty() && published == 0 {
                return (trips, executions, publishes);
            }
            trips.extend(more);
            publishes += published;
        }
    }
}

/// Statements that are prepared once in a connection's life are not counted.
fn cost(trips: &[Trip], executions: &[Execution], publishes: usize) -> Cost {
    let beside: HashSet<u64> = executions
        .iter()
        .filter(|it| it.sql.trim_start().starts_with(BESIDE))
        .map(|it| it.trip)
        .collect();
    let of_calls = || trips.iter().filter(|it| !beside.contains(&it.number));
    let counted = || of_calls().filter(|it| 0 < it.executed + it.unnamed);
    let executions = executions.iter().filter(|it| !beside.contains(&it.trip));
    Cost {
        // A simple query may hold several.
        statements: executions.map(|it| it.tags.len().max(1)).sum(),
        round_trips: counted().count(),
        pings: of_calls().filter(|it| it.is_ping()).count(),
        sent: counted().map(|it| it.sent).sum(),
        received: counted().map(|it| it.received).sum(),
        publishes,
    }
}
