//! What happens to a run whose attempts fail, or whose workers die.

mod outages;
mod poison;

use model::{Error, Plan};
use proto::v1::{self as pb, FinishReason, RunState};

use crate::harness::{Api, Gate, Harness, Scripted};

async fn session(harness: &Harness) -> (Api, i64) {
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    (api, session.id)
}

#[track_caller]
fn assert_failed(run: &pb::Run, answer: &pb::Message, reason: &str, attempts: i32) {
    let error = run.error.as_ref().expect("a failed run says why");
    assert_eq!((run.state(), error.reason.as_str()), (RunState::Failed, reason), "{run:?}");
    assert_eq!(run.attempts, attempts);
    assert_eq!(answer.finish_reason(), FinishReason::Error);
    assert_eq!(answer.sql_query, "");
    assert!(answer.content.contains(&error.message), "{answer:?}");
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_again() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let plans = [Err(Error::Overloaded), Ok(Plan::Reply("at last".to_owned()))];
    let _worker = harness.worker(Scripted::new(plans), 1);

    let (run, answer) = api.ask(session_id, "well?").await;

    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 2));
    assert_eq!(answer.content, "at last");
    assert_eq!(api.get_session(session_id).await.total_messages, 2);
}

#[tokio::test]
async fn a_failure_that_lasts_is_tried_three_times() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let plans = [Err(Error::Overloaded), Err(Error::Overloaded), Err(Error::Overloaded)];
    let _worker = harness.worker(Scripted::new(plans), 1);

    let (run, answer) = api.ask(session_id, "well?").await;

    assert_failed(&run, &answer, "MODEL_UNAVAILABLE", 3);
}

#[tokio::test]
async fn a_failure_that_can_not_pass_is_not_tried_again() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let plans = [Err(Error::Refused), Ok(Plan::Reply("next".to_owned()))];
    let _worker = harness.worker(Scripted::new(plans), 1);

    let (run, answer) = api.ask(session_id, "well?").await;
    let (_, next) = api.ask(session_id, "and now?").await;

    assert_failed(&run, &answer, "MODEL_REFUSED", 1);
    assert_eq!(next.content, "next");
}

#[tokio::test]
async fn a_run_whose_worker_dies_is_finished_by_another() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let (dying, living) = (Gate::shared(), Gate::shared());
    let worker = harness.worker(dying, 1);
    let run = api.start(session_id, "well?").await;
    dying.asked().await;

    drop(worker);
    living.let_through(1);
    let _other = harness.worker(living, 1);
    let (run, answer) = api.wait(run.id).await;

    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 2));
    assert_eq!(answer.content, "you asked: well?");
    assert_eq!(api.messages(session_id).await.len(), 2);
}

#[tokio::test]
async fn a_run_that_kills_its_workers_is_given_up_and_the_next_one_goes_on() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let run = api.start(session_id, "deadly").await;
    let next = api.start(session_id, "harmless").await;
    for _ in 0..3 {
        let gate = Gate::shared();
        let worker = harness.worker(gate, 1);
        gate.asked().await;
        drop(worker);
    }

    let gate = Gate::shared();
    gate.let_through(1);
    let _worker = harness.worker(gate, 1);
    let (run, answer) = api.wait(run.id).await;
    let (_, next) = api.wait(next.id).await;

    assert_failed(&run, &answer, "ATTEMPTS_EXHAUSTED", 3);
    assert_eq!(next.content, "you asked: harmless");
    poison::assert_put_aside(&harness, run.id).await;
    harness.assert_sound(session_id).await;
}
