//! Random and hostile requests, for a short while. `cargo dev fuzz` goes on for longer, and looks
//! at the memory, the files and the log of the service, which in a process of many tests can't be
//! told apart.

use std::time::Duration;

use dev::fuzz::{self, Target};

use crate::harness::{Harness, token};

const SEED: u64 = 5;
const LONG: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_is_answered_canonically_and_keeps_no_place() {
    let harness = Harness::without_worker().await;
    let target = |user_id| Target { address: harness.service.address(), token: token(user_id) };
    let targets = [1, 2, 3].map(target);

    let report = fuzz::attack(&targets, SEED, LONG).await.unwrap();

    assert!(report.faults.is_empty(), "{:#?}", report.faults);
    assert!(10 < report.answers.len(), "{:#?}", report.answers);
    for target in &targets {
        fuzz::recovered(target).await.unwrap();
    }
}
