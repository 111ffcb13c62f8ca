//! One run of a session at a time, by the policy that the caller chose.

mod interrupt;

use futures::future;
use proto::v1::{self as pb, Concurrency, RunState};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{Api, Endless, Expect as _, Harness, MAX_QUEUED_RUNS, random_uuid};

/// How many questions are asked at once.
const RACERS: usize = 1_000;

async fn session(harness: &Harness) -> (Api, i64) {
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    (api, session.id)
}

fn by(concurrency: Concurrency) -> pb::StartRunRequest {
    pb::StartRunRequest { concurrency: concurrency.into(), ..Default::default() }
}

async fn start_by(
    api: &Api,
    session_id: i64,
    question: &str,
    concurrency: Concurrency,
) -> Result<pb::Run, Status> {
    api.try_start(session_id, question, by(concurrency)).await
}

/// Asks again, as one request: at once where no connection is to be had, and when it is told to
/// where there is no turn or too much was asked. So a machine looks that is too busy.
async fn insist(
    api: &Api,
    session_id: i64,
    question: &str,
    concurrency: Concurrency,
) -> Result<pb::Run, Status> {
    let request = pb::StartRunRequest { request_id: random_uuid(), ..by(concurrency) };
    loop {
        match api.try_start(session_id, question, request.clone()).await {
            Err(status) if is_refused_for_now(&status) => {
                let retry = status.get_details_retry_info().and_then(|it| it.retry_delay);
                tokio::time::sleep(retry.expect("it says when to try again")).await;
            }
            Err(status) if status.code() == Code::Unavailable => (),
            started => return started,
        }
    }
}

fn is_refused_for_now(status: &Status) -> bool {
    let reason = status.get_details_error_info().map(|it| it.reason);
    matches!(reason.as_deref(), Some("TOO_MANY_REQUESTS" | "RATE_LIMITED"))
}

/// Asks so often at once; returns the runs in the order of their ids, and the
/// refusals.
async fn race(
    api: &Api,
    session_id: i64,
    policies: impl Iterator<Item = Concurrency>,
) -> (Vec<pb::Run>, Vec<Status>) {
    let started = policies.enumerate().map(async |(n, concurrency)| {
        insist(api, session_id, &format!("SELECT {n}"), concurrency).await
    });
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for started in future::join_all(started).await {
        match started {
            Ok(run) => accepted.push(run),
            Err(status) => refused.push(status),
        }
    }
    accepted.sort_unstable_by_key(|run| run.id);
    (accepted, refused)
}

#[track_caller]
fn assert_busy(status: Status, run_id: i64) {
    let status = Err::<tonic::Response<()>, _>(status);
    let status = status.refused(Code::FailedPrecondition, "SESSION_BUSY");
    let info = status.get_details_error_info().expect("it was there a moment ago");
    assert_eq!(info.metadata.get("run_id"), Some(&run_id.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_questions_at_once_as_many_wait_as_may_and_are_answered_in_their_order() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;

    let all = race(&api, session_id, (0..RACERS).map(|_| Concurrency::Enqueue));
    let (accepted, refused) = all.await;

    assert_eq!(accepted.len(), 1 + MAX_QUEUED_RUNS as usize);
    assert_eq!(accepted.iter().filter(|run| run.admitted_at.is_some()).count(), 1);
    assert!(accepted[0].admitted_at.is_some(), "the first is not the one that was admitted");
    for status in refused {
        let status = Err::<tonic::Response<()>, _>(status);
        let status = status.refused(Code::ResourceExhausted, "QUEUE_FULL");
        assert!(status.get_details_retry_info().is_some(), "{status:?}");
    }
    let (_one, _two) = (harness.worker(model::Builtin, 4), harness.worker(model::Builtin, 4));
    for run in accepted {
        let (ended, answer) = api.wait(run.id).await;
        assert_eq!(ended.state(), RunState::Succeeded, "{ended:?}");
        assert_eq!(format!("SELECT {}", answer.content), run.question);
    }
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn a_queue_that_was_full_takes_questions_again_once_one_has_left_it() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let all = (0..=MAX_QUEUED_RUNS).map(|_| Concurrency::Enqueue);
    let (accepted, refused) = race(&api, session_id, all).await;
    assert!(refused.is_empty(), "{refused:?}");
    let full = start_by(&api, session_id, "more", Concurrency::Enqueue).await;
    assert_eq!(full.map_err(|it| it.code()), Err(Code::ResourceExhausted));

    api.cancel(accepted[7].id).await;

    let more = start_by(&api, session_id, "more", Concurrency::Enqueue).await.unwrap();
    assert_eq!((more.state(), more.admitted_at), (RunState::Queued, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_a_session_for_themselves_one_gets_it() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;

    let all = race(&api, session_id, (0..RACERS).map(|_| Concurrency::Reject));
    let (accepted, refused) = all.await;

    let [winner] = accepted.as_slice() else { panic!("{} have won", accepted.len()) };
    assert_eq!(refused.len(), RACERS - 1);
    for status in refused {
        assert_busy(status, winner.id);
    }
    let _worker = harness.worker(model::Builtin, 1);
    api.wait(winner.id).await;
    let next = start_by(&api, session_id, "SELECT 1", Concurrency::Reject).await.unwrap();
    api.wait(next.id).await;
    assert_eq!(harness.number("SELECT count(*) FROM runs").await, 2);
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn a_session_is_busy_until_its_run_has_ended() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let provider = Endless::shared();
    let worker = harness.worker(provider, 1);
    let run = api.start(session_id, "first").await;
    let waiting = api.start(session_id, "second").await;
    provider.begun().await;
    let refused = async || {
        let refused = start_by(&api, session_id, "mine", Concurrency::Reject).await;
        refused.expect_err("the session is busy")
    };

    let running = refused().await;
    drop(worker);
    assert_eq!(api.cancel(run.id).await.state(), RunState::Cancelling);
    let cancelling = refused().await;
    api.wait(run.id).await;
    let admitted = refused().await;
    api.cancel(waiting.id).await;
    let free = start_by(&api, session_id, "mine", Concurrency::Reject).await;

    for status in [running, cancelling] {
        assert_busy(status, run.id);
    }
    assert_busy(admitted, waiting.id);
    assert!(free.unwrap().admitted_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_policies_at_most_one_run_goes_on_and_all_of_them_end() {
    let (harness, _one) = Harness::start().await;
    let _two = harness.worker(model::Builtin, 4);
    let (api, session_id) = session(&harness).await;
    let policies = [Concurrency::Enqueue, Concurrency::Reject, Concurrency::Interrupt];
    let racing = race(&api, session_id, policies.into_iter().cycle().take(RACERS));

    // By whatever index there is or is not: what two statements see.
    let looking = async {
        loop {
            let sql =
                "SELECT count(*) FROM runs WHERE admitted_at IS NOT NULL AND ended_at IS NULL";
            let admitted = harness.number(sql).await;
            assert!(admitted <= 1, "{admitted} runs of a session go on");
            tokio::task::yield_now().await;
        }
    };
    let (accepted, refused) = tokio::select! {
        raced = racing => raced,
        () = looking => unreachable!(),
    };

    for run in &accepted {
        let (ended, _) = api.end(run.id).await;
        let is_expected = match &ended.error {
            None => ended.state() == RunState::Succeeded,
            Some(error) => ["INTERRUPTED", "SUPERSEDED"].contains(&error.reason.as_str()),
        };
        assert!(is_expected, "{:?}", ended.state());
    }
    assert!(RACERS / 3 <= accepted.len(), "an interrupting question was refused: {refused:?}");
    harness.assert_sound(session_id).await;
}
