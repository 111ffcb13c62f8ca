//! How Postgres executes what calls, runs and sweeps execute: never by reading a large table,
//! never by looking into an index without its key, never by sorting more than a page; where there
//! are many rows of many users, and more runs that wait than statistics know of.

mod explain;
mod filled;

use std::{cell::RefCell, time::Duration};

use recorder::{Execution, Recorder};
use session_service::{
    Limits,
    sweep::{self, Retention},
};
use storage::{
    RunId,
    runs::{self, Quotas, WakeUp},
};
use tokio_util::sync::CancellationToken;

use super::calls::{self, Meter, Stage};
use crate::harness::{Harness, Service, eventually, limits};
use explain::Explainer;

/// The user whose calls are looked at has so many sessions, as have the others.
const USER: i64 = 7;

/// The tables that something is looked for in from time to time.
const SWEPT: [&str; 5] =
    ["runs", "data_sources", "user_data_deletions", "idempotency_keys", "chat_sessions"];

/// What is executed is looked at, not by which call.
struct Unmeasured;

impl Meter for Unmeasured {
    async fn of<T>(&mut self, _: &'static str, call: impl Future<Output = T>) -> T {
        call.await
    }
}

#[tokio::test]
async fn no_statement_of_ours_reads_a_large_table_or_sorts_more_than_a_page() {
    let (harness, recorder) = Harness::recorded().await;
    filled::fill(&harness).await;
    drop(recorder.take());

    let stage = Stage::set(&harness, harness.api(USER), USER).await;
    calls::make(&stage, &mut Unmeasured).await;
    let _goes_on = make_rarer_ones(&harness).await;
    let worker = harness.worker(model::Builtin, 4);
    calls::runs::ask(&stage, &mut Unmeasured).await;
    worker.stop().await;
    calls::delete_user_data(&stage, &mut Unmeasured).await;
    let executed = swept(&harness, &recorder).await;

    let explainer = Explainer::connect(&harness).await;
    let mut found = Vec::new();
    for execution in explainer.ours(executed.iter()) {
        found.extend(explainer.look_at(execution).await);
    }
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

/// Postgres looks for it by itself, with a statement of its own.
#[tokio::test]
async fn what_refers_to_a_row_that_is_deleted_is_found_by_an_index() {
    let harness = Harness::without_worker().await;

    let unindexed = harness.text(UNINDEXED_REFERENCES).await;

    assert_eq!(unindexed, "");
}

const UNINDEXED_REFERENCES: &str = "
    SELECT coalesce(string_agg(conname, ', '), '') FROM pg_constraint AS reference
    WHERE contype = 'f' AND NOT EXISTS (
        SELECT FROM pg_index
        WHERE indrelid = conrelid AND indkey[0] = conkey[1] AND indpred IS NULL
    )";

/// What there is for users with quotas, for those who wait for long, and for a wake-up that could
/// not be published. The service that has the quotas sweeps, too.
async fn make_rarer_ones(harness: &Harness) -> Service {
    let quotas = Quotas { running: Some(9), runs_a_day: Some(999), tokens_a_day: Some(1_000_000) };
    let service = harness.service_within(Limits { quotas, ..limits() }).await;
    let api = service.api(USER);
    let session = api.session(api.agent().await, "").await;
    let run = api.start(session.id, "SELECT 1").await;
    let wake_up = WakeUp { run_id: RunId(run.id), publication: 1, trace: None };
    runs::publish_again(&harness.db, &wake_up).await.expect("the database answers");
    runs::ended_of(&harness.db, &[wake_up.run_id]).await.expect("the database answers");
    service
}

/// Waits until each sweep has looked for what it is for, and until what the user had is gone;
/// returns all that was executed until then.
async fn swept(harness: &Harness, recorder: &Recorder) -> Vec<Execution> {
    let (shutdown, db) = (CancellationToken::new(), harness.db.clone());
    let _ends = shutdown.clone().drop_guard();
    let day = Duration::from_secs(86_400);
    let kept = Retention { results: Some(day), receipts: day };
    tokio::spawn(sweep::requests(db.clone(), day, shutdown.clone()));
    tokio::spawn(sweep::retention(db, kept, shutdown));
    let executed = RefCell::new(Vec::<Execution>::new());
    let is_executed = async |is_wanted: &dyn Fn(&Execution) -> bool| {
        executed.borrow_mut().extend(recorder.take());
        executed.borrow().iter().any(is_wanted).then_some(())
    };
    for table in SWEPT {
        let is_sweep = |it: &Execution| it.sql.contains(table) && it.sql.contains("SKIP LOCKED");
        eventually("each table being swept", || is_executed(&is_sweep)).await;
    }
    let is_last = |it: &Execution| it.sql.contains("SET completed_at") && 0 < it.row_count;
    eventually("all being deleted", || is_executed(&is_last)).await;
    executed.into_inner()
}
