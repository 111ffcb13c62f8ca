//! A short form of `cargo dev chaos`: real processes, real faults, all promises. In a
//! test binary of its own, so that no other test takes its time.

use dev::chaos::{self, Fault, Options};

#[tokio::test(flavor = "multi_thread")]
async fn no_promise_is_broken_by_a_few_faults_of_each_kind() {
    let options = Options {
        runs: 45,
        seed: Some(3),
        faults: vec![
            Fault::KillServiceBeforePublish,
            Fault::KillWorkerExecuting,
            Fault::KillWorkerBeforeCommit,
            Fault::KillWorkerBeforeAck,
            Fault::PauseWorker,
            Fault::DuplicateDeliveries,
            Fault::WipeStreams,
            Fault::RestartPostgresFast,
            Fault::RollingRestart,
        ],
        quick: true,
        without: Vec::new(),
        json: None,
    };

    let report = Box::pin(chaos::run(&options)).await.expect("the harness works");

    let is_injected = |fault: &Fault| report.faults.contains_key(&fault.name());
    assert!(options.faults.iter().all(is_injected), "{report}");
    assert_eq!(report.violations(), 0, "{report}");
}
