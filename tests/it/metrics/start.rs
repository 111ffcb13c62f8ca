//! What has not begun yet looks neither well nor ill.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bootstrap::{Readiness, metrics::Process};
use data_source::{Egress, Pools, Settings};
use session_service::sweep;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{Shown, alone};
use crate::harness::{Harness, eventually};

const UP: &str = "tertulia_dependency_up";
const SWEPT: &str = "tertulia_sweep_last_success_timestamp_seconds";

#[tokio::test]
async fn whether_dependencies_answer_is_not_known_before_the_process_has_started() {
    let test =
        "metrics::start::whether_dependencies_answer_is_not_known_before_the_process_has_started";
    alone(test, async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let up = |dependency| shown.sum(UP, &[("dependency", dependency)]);
        assert!(up("database").is_nan() && up("nats").is_nan());

        let readiness = Readiness::new(CancellationToken::new());
        let process = Process {
            readiness: readiness.clone(),
            db: harness.db.clone(),
            pools: Pools::new(Egress::default(), Settings::default()),
            nats: harness.nats.clone(),
        };
        let _watched = AbortOnDropHandle::new(tokio::spawn(process.watch()));
        let has_looked = async || {
            let connected = shown.sum("tertulia_nats_connected", &[]);
            Some(()).filter(|()| connected == 1.0)
        };
        eventually("the process is watched", has_looked).await;
        assert!(up("database").is_nan() && up("nats").is_nan());

        readiness.note(true, true);
        readiness.start();
        let are_up = async || Some(()).filter(|()| (up("database"), up("nats")) == (1.0, 1.0));
        eventually("both answer", are_up).await;
    })
    .await;
}

#[tokio::test]
async fn a_sweep_that_never_succeeds_is_late_from_its_beginning() {
    alone("metrics::start::a_sweep_that_never_succeeds_is_late_from_its_beginning", async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let of_requests = [("sweep", "requests")];
        harness.lose_database().await;
        let before = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later");

        let (kept, never) = (Duration::from_secs(60), CancellationToken::new());
        let sweep = sweep::requests(harness.db.clone(), kept, never);
        let _sweep = AbortOnDropHandle::new(tokio::spawn(sweep));
        let has_failed = async || {
            let failures = shown.sum("tertulia_sweep_failures_total", &of_requests);
            Some(()).filter(|()| 0.0 < failures)
        };
        eventually("the sweep has failed", has_failed).await;

        let begun_at = shown.sum(SWEPT, &of_requests);
        assert!(before.as_secs_f64() <= begun_at, "{begun_at}");
    })
    .await;
}
