//! How Postgres executes what the calls and the sweeps execute: never by reading a large
//! table, never by sorting more than a page; where there are many rows of many users.

mod explain;
mod filled;

use std::{cell::RefCell, time::Duration};

use recorder::Execution;
use session_service::sweep::{self, Retention};
use tokio_util::sync::CancellationToken;

use super::{
    calls::{self, Stage},
    meter::Meter,
};
use crate::harness::{Harness, Manner, eventually};
use explain::Explainer;

/// The user whose calls are looked at has so many sessions, as have the others.
const USER: i64 = 7;

/// The tables that something is looked for in from time to time.
const SWEPT: [&str; 5] =
    ["runs", "data_sources", "user_data_deletions", "idempotency_keys", "chat_sessions"];

/// What only reads, and what every question passes.
fn is_looked_at(call: &str) -> bool {
    let method = call.split('/').next_back().expect("a name has an end");
    ["Get", "List", "Search", "Wait", "Watch", "Export", "StartRun", "Run"]
        .iter()
        .any(|it| method.starts_with(it))
}

#[tokio::test]
async fn no_statement_of_a_call_or_a_sweep_reads_a_large_table_or_sorts_more_than_a_page() {
    let harness = Harness::without_worker().await;
    filled::fill(&harness).await;
    let recorded = harness.record().await;
    let service = harness.service_on(&recorded).await;
    let mut meter = Meter::start(&harness, &recorded.recorder).await;
    let stage = Stage::set(&harness, service.api(USER), USER).await;
    calls::make_reads(&stage, &mut meter).await;
    let (sources, nats) = (recorded.sources.clone(), harness.nats.clone());
    let worker = harness.worker_with(sources, nats, model::Builtin, Manner::default());
    calls::runs::ask(&stage, &mut meter).await;
    worker.stop().await;
    let swept = sweeps(&harness).await;

    let explainer = Explainer::connect(&harness).await;
    let executed = meter.executed(is_looked_at);
    let mut found = Vec::new();
    for execution in explainer.ours(executed.into_iter().chain(&swept)) {
        found.extend(explainer.look_at(execution).await);
    }

    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

/// What the sweeps execute, all that there is.
async fn sweeps(harness: &Harness) -> Vec<Execution> {
    let recorded = harness.record().await;
    let _service = harness.sweeping_service_on(&recorded).await;
    let (shutdown, db) = (CancellationToken::new(), recorded.sources.db.clone());
    let _ends = shutdown.clone().drop_guard();
    let day = Duration::from_secs(86_400);
    let kept = Retention { results: Some(day), receipts: day };
    tokio::spawn(sweep::requests(db.clone(), day, shutdown.clone()));
    tokio::spawn(sweep::retention(db, kept, shutdown));
    let swept = RefCell::new(Vec::<Execution>::new());
    eventually("all being swept", async || {
        swept.borrow_mut().extend(recorded.recorder.take());
        let is_swept = |table: &&str| {
            swept
                .borrow()
                .iter()
                .any(|it| it.sql.contains(*table) && it.sql.contains("SKIP LOCKED"))
        };
        SWEPT.iter().all(is_swept).then_some(())
    })
    .await;
    swept.into_inner()
}
