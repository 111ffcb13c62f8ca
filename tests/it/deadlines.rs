//! Every run has ended soon after its time is over, wherever it is then.

mod running;

use std::time::Duration;

use futures::FutureExt as _;
use model::Error;
use proto::v1::{self as pb, FinishReason, RunState};

use crate::harness::{Acting, Api, Harness};

async fn session(harness: &Harness) -> (Api, i64) {
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    (api, session.id)
}

/// Asks something that has to be answered within so many seconds.
async fn start_within(api: &Api, session_id: i64, question: &str, seconds: i64) -> pb::Run {
    let deadline = Some(prost_types::Duration { seconds, nanos: 0 });
    let request = pb::StartRunRequest { deadline, ..Default::default() };
    api.try_start(session_id, question, request).await.expect("it is accepted")
}

/// Asserts that a run has expired, not long after it was due.
#[track_caller]
fn assert_expired(run: &pb::Run, within: Duration) {
    let reason = run.error.as_ref().map(|error| error.reason.as_str());
    assert_eq!((run.state(), reason), (RunState::Expired, Some("DEADLINE_EXCEEDED")), "{run:?}");
    let time = |time: &Option<prost_types::Timestamp>| {
        let time = time.expect("an expired run has had its times");
        Duration::new(time.seconds.unsigned_abs(), time.nanos.unsigned_abs())
    };
    let late = time(&run.ended_at).saturating_sub(time(&run.expires_at));
    assert!(late < within, "{late:?}");
}

const SOON: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_question_whose_time_passes_before_its_turn_was_never_asked() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let first = api.start(session_id, "first").await;
    let second = start_within(&api, session_id, "second", 1).await;

    let (second, answer) = api.end(second.id).await;

    assert_expired(&second, SOON);
    assert_eq!((answer, second.admitted_at, second.attempts), (None, None, 0));
    assert_eq!(api.get_session(session_id).await.total_messages, 1);
    assert_eq!(api.run(first.id).await, first);
}

#[tokio::test]
async fn a_run_that_no_worker_takes_on_expires_and_the_next_is_admitted() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let first = start_within(&api, session_id, "first", 1).await;
    let second = api.start(session_id, "SELECT 2").await;

    let (first, answer) = api.wait(first.id).await;

    assert_expired(&first, SOON);
    assert_eq!(answer.finish_reason(), FinishReason::Deadline);
    assert!(answer.content.contains("deadline"), "{answer:?}");
    let _worker = harness.worker(model::Builtin, 1);
    assert_eq!(api.wait(second.id).await.1.content, "2");
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn many_runs_that_expire_at_once_all_end_in_time() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent = api.agent().await;
    let mut runs = Vec::new();
    for _ in 0..10 {
        let session = api.session(agent, "").await;
        for _ in 0..12 {
            runs.push(start_within(&api, session.id, "well?", 5).await);
        }
    }

    for run in &runs {
        let (run, _) = api.end(run.id).await;
        assert_expired(&run, Duration::from_secs(4));
    }
    for session in runs.chunks(12) {
        harness.assert_sound(session[0].session_id).await;
    }
}

#[tokio::test]
async fn a_run_that_backs_off_expires_in_time() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let overloaded = Acting(|_| async { Err(Error::Overloaded) }.boxed());
    let _worker = harness.worker(overloaded, 1);
    let run = start_within(&api, session_id, "well?", 2).await;

    let (run, answer) = api.wait(run.id).await;

    assert_expired(&run, SOON);
    assert!(run.attempts < 3, "{run:?}");
    assert_eq!(answer.finish_reason(), FinishReason::Deadline);
}
