//! Runs, by their ends and by what they took.

use model::Plan;

use super::{Shown, alone};
use crate::harness::{Api, Gate, Harness, Scripted, eventually};

const ENDED: &str = "tertulia_runs_ended_total";
const ATTEMPTS: &str = "tertulia_attempts_total";
const STAGE: &str = "tertulia_run_stage_duration_seconds_count";
const STATEMENTS: &str = "tertulia_sql_statements_total";

async fn session(harness: &Harness) -> (Api, i64) {
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await;
    (api, session.id)
}

#[tokio::test]
async fn a_run_that_succeeds_is_measured_at_every_stage() {
    alone("metrics::runs::a_run_that_succeeds_is_measured_at_every_stage", async || {
        let shown = Shown::install();
        let (harness, _worker) = Harness::start().await;
        let (api, session_id) = session(&harness).await;

        api.ask(session_id, "SELECT count(*) FROM penguins").await;

        assert_eq!(shown.sum(ENDED, &[("state", "succeeded"), ("reason", "none")]), 1.0);
        assert_eq!(shown.sum(ENDED, &[]), 1.0);
        let succeeded = [("state", "succeeded")];
        assert_eq!(shown.sum("tertulia_run_duration_seconds_count", &succeeded), 1.0);
        assert_eq!(shown.sum("tertulia_run_attempts_sum", &[]), 1.0);
        for stage in ["queued", "waiting", "plan", "guard", "sql", "answer", "capture"] {
            assert_eq!(shown.sum(STAGE, &[("stage", stage)]), 1.0, "{stage}");
        }
        assert_eq!(shown.sum(ATTEMPTS, &[("end", "succeeded")]), 1.0);
        assert_eq!(shown.sum(ATTEMPTS, &[]), 1.0);
        assert_eq!(shown.sum(STATEMENTS, &[("outcome", "executed")]), 1.0);
        assert_eq!(shown.sum("tertulia_deliveries_total", &[("kind", "first")]), 1.0);
        assert_eq!(shown.sum("tertulia_worker_slots", &[]), 4.0);
        let idle =
            async || Some(()).filter(|()| shown.sum("tertulia_attempts_in_flight", &[]) == 0.0);
        eventually("no attempt goes on", idle).await;
        let planned = [("provider", "builtin"), ("operation", "plan"), ("outcome", "ok")];
        assert_eq!(shown.sum("tertulia_model_calls_total", &planned), 1.0);
        let answered = [("provider", "builtin"), ("operation", "answer"), ("outcome", "ok")];
        assert_eq!(shown.sum("tertulia_model_calls_total", &answered), 1.0);
        let abandoned = [("provider", "builtin"), ("outcome", "abandoned")];
        assert_eq!(shown.sum("tertulia_model_calls_total", &abandoned), 0.0);
    })
    .await;
}

#[tokio::test]
async fn what_the_guard_refuses_is_counted_by_its_rule() {
    alone("metrics::runs::what_the_guard_refuses_is_counted_by_its_rule", async || {
        let shown = Shown::install();
        let (harness, _worker) = Harness::start().await;
        let (api, session_id) = session(&harness).await;

        api.ask(session_id, "DELETE FROM penguins").await;

        let refused = [("state", "failed"), ("reason", "SQL_NOT_A_QUERY")];
        assert_eq!(shown.sum(ENDED, &refused), 1.0);
        let refusals = "tertulia_sql_guard_refusals_total";
        assert_eq!(shown.sum(refusals, &[("reason", "SQL_NOT_A_QUERY")]), 1.0);
        assert_eq!(shown.sum(refusals, &[]), 1.0);
        assert_eq!(shown.sum(STATEMENTS, &[("outcome", "refused")]), 1.0);
        assert_eq!(shown.sum("tertulia_sql_budget_ends_total", &[]), 1.0);
        assert_eq!(shown.sum(ATTEMPTS, &[("end", "failed")]), 1.0);
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_is_corrected_and_a_result_that_is_cut_are_counted() {
    let test = "metrics::runs::a_statement_that_is_corrected_and_a_result_that_is_cut_are_counted";
    alone(test, async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let many = "SELECT a.species FROM penguins a CROSS JOIN penguins b";
        let plans = ["SELECT nothing FROM penguins", many].map(|it| Ok(Plan::Query(it.to_owned())));
        let _worker = harness.worker(Scripted::new(plans), 1);
        let (api, session_id) = session(&harness).await;

        let (run, _) = api.ask(session_id, "well?").await;

        assert!(run.truncated, "{run:?}");
        assert_eq!(shown.sum(STATEMENTS, &[("outcome", "failed")]), 1.0);
        assert_eq!(shown.sum(STATEMENTS, &[("outcome", "executed")]), 1.0);
        assert_eq!(shown.sum("tertulia_sql_corrections_total", &[]), 1.0);
        assert_eq!(shown.sum("tertulia_result_truncations_total", &[("by", "rows")]), 1.0);
        assert_eq!(shown.sum("tertulia_result_truncations_total", &[("by", "bytes")]), 0.0);
    })
    .await;
}

#[tokio::test]
async fn cancelled_runs_are_counted_whether_a_worker_has_them_or_not() {
    alone(
        "metrics::runs::cancelled_runs_are_counted_whether_a_worker_has_them_or_not",
        async || {
            let shown = Shown::install();
            let harness = Harness::without_worker().await;
            let gate = Gate::shared();
            let _worker = harness.worker(gate, 1);
            let (api, session_id) = session(&harness).await;
            let running = api.start(session_id, "first").await;
            let queued = api.start(session_id, "second").await;
            gate.asked().await;

            api.cancel(queued.id).await;
            api.cancel(running.id).await;
            api.wait(running.id).await;

            let cancelled = [("state", "cancelled"), ("reason", "CANCELLED")];
            eventually("both are counted", async || {
                Some(()).filter(|()| shown.sum(ENDED, &cancelled) == 2.0)
            })
            .await;
            assert_eq!(shown.sum(ATTEMPTS, &[("end", "cancelled")]), 1.0);
            let abandoned = [("provider", "builtin"), ("outcome", "abandoned")];
            assert_eq!(shown.sum("tertulia_model_calls_total", &abandoned), 1.0);
        },
    )
    .await;
}

#[tokio::test]
async fn a_worker_that_loses_its_lease_is_counted() {
    alone("metrics::runs::a_worker_that_loses_its_lease_is_counted", async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let gate = Gate::shared();
        let _worker = harness.worker(gate, 1);
        let (api, session_id) = session(&harness).await;
        api.start(session_id, "well?").await;
        gate.asked().await;

        harness.execute("UPDATE runs SET fence = fence + 1 WHERE ended_at IS NULL").await;

        let lost = async || Some(()).filter(|()| shown.sum(ATTEMPTS, &[("end", "lost")]) == 1.0);
        eventually("the loss is counted", lost).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_handed_over_at_a_shutdown_is_counted() {
    alone("metrics::runs::what_is_handed_over_at_a_shutdown_is_counted", async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let gate = Gate::shared();
        let worker = harness.draining_worker(gate, 1, std::time::Duration::ZERO);
        let (api, session_id) = session(&harness).await;
        api.start(session_id, "well?").await;
        gate.asked().await;

        worker.stop().await;

        assert_eq!(shown.sum(ATTEMPTS, &[("end", "handed_over")]), 1.0);
    })
    .await;
}
