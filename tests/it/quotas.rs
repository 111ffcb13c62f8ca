//! How many runs a user may have.

use std::time::Duration;

use futures::future;
use proto::v1::{self as pb, Concurrency};
use session_service::{Limits, limits::ImportLimits};
use storage::{
    RunId,
    runs::{self, Quotas, Usage},
};
use tokio::time;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    harness::{
        Analyst, Api, Expect as _, Harness, Service, TERMS, limits, random_uuid, superuser_in,
    },
    user_data::delete_all,
};

async fn within(quotas: Quotas) -> (Harness, Service) {
    let harness = Harness::without_worker().await;
    let service = harness.service_within(Limits { quotas, ..limits() }).await;
    (harness, service)
}

async fn start(api: &Api, session_id: i64) -> Result<pb::Run, Status> {
    api.try_start(session_id, "SELECT 1", pb::StartRunRequest::default()).await
}

/// Asserts that it is refused for this, and that it is said when to try again.
#[track_caller]
fn assert_used_up(started: Result<pb::Run, Status>, reason: &str, user_id: i64) -> Duration {
    let status = started.map(tonic::Response::new).refused(Code::ResourceExhausted, reason);
    let quota = status.get_details_quota_failure().expect("it says whose quota it is");
    assert_eq!(quota.violations[0].subject, format!("user:{user_id}"));
    let retry = status.get_details_retry_info().and_then(|it| it.retry_delay);
    retry.expect("it says when to try again")
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_start_at_once_no_more_are_let_in_than_may_run() {
    let (_harness, service) = within(Quotas { running: Some(3), ..Quotas::default() }).await;
    let api = service.api(1);
    let agent_id = api.agent().await;
    let sessions = (0..20).map(|_| api.session(agent_id, ""));
    let sessions = future::join_all(sessions).await;

    let started = sessions.iter().map(|session| start(&api, session.id));
    let (accepted, refused): (Vec<_>, Vec<_>) =
        future::join_all(started).await.into_iter().partition(Result::is_ok);

    assert_eq!(accepted.len(), 3);
    for refused in refused {
        assert_used_up(refused, "TOO_MANY_RUNS", 1);
    }
}

#[tokio::test]
async fn a_run_that_waits_for_its_turn_does_not_count_and_one_that_has_ended_does_not() {
    let (_harness, service) = within(Quotas { running: Some(1), ..Quotas::default() }).await;
    let api = service.api(1);
    let agent_id = api.agent().await;
    let (one, two) = (api.session(agent_id, "").await.id, api.session(agent_id, "").await.id);
    let first = start(&api, one).await.unwrap();
    let queued = start(&api, one).await.unwrap();
    let interrupt =
        pb::StartRunRequest { concurrency: Concurrency::Interrupt.into(), ..Default::default() };
    assert_used_up(start(&api, two).await, "TOO_MANY_RUNS", 1);

    let last = api.try_start(one, "SELECT 2", interrupt).await.unwrap();
    assert_used_up(start(&api, two).await, "TOO_MANY_RUNS", 1);
    api.cancel(last.id).await;

    start(&api, two).await.unwrap();
    assert_ne!(first.id, queued.id);
}

#[tokio::test]
async fn a_run_that_was_never_admitted_and_is_too_late_lets_no_other_in() {
    let (harness, service) = within(Quotas { running: Some(1), ..Quotas::default() }).await;
    let api = service.api(1);
    let agent_id = api.agent().await;
    let (one, two) = (api.session(agent_id, "").await.id, api.session(agent_id, "").await.id);
    let first = start(&api, one).await.unwrap();
    let late = start(&api, one).await.unwrap();
    // Too late, and not yet seen by the sweep.
    let too_late = "UPDATE runs SET expires_at = now(), wake_at = now() + interval '1 day'";
    harness.execute(&format!("{too_late} WHERE id = {}", late.id)).await;
    api.cancel(first.id).await;

    start(&api, two).await.unwrap();

    assert_used_up(start(&api, one).await, "TOO_MANY_RUNS", 1);
}

#[tokio::test]
async fn the_runs_of_a_day_are_counted_until_midnight_and_each_users_by_themselves() {
    let (harness, service) = within(Quotas { runs_a_day: Some(2), ..Quotas::default() }).await;
    let api = service.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    let request = pb::StartRunRequest { request_id: random_uuid(), ..Default::default() };
    let first = api.try_start(session_id, "SELECT 1", request.clone()).await.unwrap();
    start(&api, session_id).await.unwrap();

    let again = assert_used_up(start(&api, session_id).await, "RUN_QUOTA_EXCEEDED", 1);

    assert!(again <= Duration::from_secs(24 * 3600), "{again:?}");
    let repeated = api.try_start(session_id, "SELECT 1", request).await.unwrap();
    assert_eq!(repeated.id, first.id);
    let other = service.api(2);
    start(&other, other.session(other.agent().await, "").await.id).await.unwrap();
    harness.execute("UPDATE runs SET created_at = created_at - interval '1 day'").await;
    start(&api, session_id).await.unwrap();
}

#[tokio::test]
async fn no_more_is_started_once_the_tokens_of_the_day_are_used() {
    let quotas = Quotas { tokens_a_day: Some(100), ..Quotas::default() };
    let (harness, service) = within(quotas).await;
    let _worker = harness.worker(Analyst::obedient(), 1);
    let api = service.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    let (run, _) = api.ask(session_id, "SELECT 1").await;
    assert!(100 <= run.usage.expect("it has cost something").prompt_tokens);

    assert_used_up(start(&api, session_id).await, "TOKEN_QUOTA_EXCEEDED", 1);
}

#[tokio::test]
async fn the_day_goes_on_when_a_user_deletes_all_data() {
    let (harness, service) = within(Quotas { runs_a_day: Some(3), ..Quotas::default() }).await;
    let api = service.api(1);
    let session = async || api.session(api.agent().await, "").await.id;
    let deleted = session().await;
    start(&api, deleted).await.unwrap();
    start(&api, deleted).await.unwrap();

    delete_all(&harness, &api).await;
    delete_all(&harness, &api).await;
    let anew = session().await;

    start(&api, anew).await.unwrap();
    assert_used_up(start(&api, anew).await, "RUN_QUOTA_EXCEEDED", 1);
    api.user_data.clone().delete_user_data(pb::DeleteUserDataRequest::default()).await.unwrap();
    assert_used_up(start(&api, session().await).await, "RUN_QUOTA_EXCEEDED", 1);
    let yesterday = "UPDATE user_data_deletions SET requested_at = requested_at - interval '1 day'";
    harness.execute(yesterday).await;
    harness.execute("UPDATE runs SET created_at = created_at - interval '1 day'").await;
    start(&api, session().await).await.unwrap();
}

#[tokio::test]
async fn tokens_of_a_deleted_run_are_used_all_the_same() {
    let quotas = Quotas { tokens_a_day: Some(100), ..Quotas::default() };
    let (harness, service) = within(quotas).await;
    let _worker = harness.worker(Analyst::obedient(), 1);
    let api = service.api(1);
    api.ask(api.session(api.agent().await, "").await.id, "SELECT 1").await;

    delete_all(&harness, &api).await;

    let session_id = api.session(api.agent().await, "").await.id;
    assert_used_up(start(&api, session_id).await, "TOKEN_QUOTA_EXCEEDED", 1);
}

#[tokio::test]
async fn one_who_is_over_is_refused_without_a_wait_for_his_other_requests() {
    let (harness, service) = within(Quotas { runs_a_day: Some(1), ..Quotas::default() }).await;
    let api = service.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    start(&api, session_id).await.unwrap();
    let (_, database) = harness.database_url.rsplit_once('/').unwrap();
    let other = superuser_in(database).await;
    let lock = "SELECT pg_advisory_lock(hashtextextended('runs of user 1', 0))";
    other.batch_execute(lock).await.unwrap();

    let refused = time::timeout(Duration::from_secs(2), start(&api, session_id)).await;

    assert_used_up(refused.expect("nobody is waited for"), "RUN_QUOTA_EXCEEDED", 1);
}

#[tokio::test]
async fn a_run_is_stored_however_many_tokens_a_provider_counts() {
    let quotas = Quotas { tokens_a_day: Some(100), ..Quotas::default() };
    let (harness, service) = within(quotas).await;
    let api = service.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    let run = start(&api, session_id).await.unwrap();
    let model = "any".to_owned();
    let usage = Usage { model, prompt_tokens: i64::MAX, completion_tokens: i64::MAX };

    for _ in 0..3 {
        let claimed = runs::claim(&harness.db, RunId(run.id), TERMS).await.unwrap();
        let claimed = claimed.expect("nobody else has it");
        runs::hand_over(&harness.db, &claimed, Some(&usage)).await.expect("it can be stored");
    }

    assert_used_up(start(&api, session_id).await, "TOKEN_QUOTA_EXCEEDED", 1);
}

#[tokio::test]
async fn texts_have_as_many_characters_as_configured() {
    let harness = Harness::without_worker().await;
    let mut limits = limits();
    (limits.texts.title, limits.texts.question) = (5, 10);
    let service = harness.service_within(limits).await;
    let api = service.api(1);
    let agent_id = api.agent().await;

    let session = api.session(agent_id, "ééééé").await;
    let create =
        pb::CreateSessionRequest {
            agent_id, title: "éééééé".to_owned(), ..Default::default()
        };
    api.sessions.clone().create_session(create).await.invalid(&["title"]);
    let long = api.try_start(session.id, "12345678901", pb::StartRunRequest::default()).await;
    long.map(tonic::Response::new).invalid(&["question"]);
    api.try_start(session.id, "1234567890", pb::StartRunRequest::default()).await.unwrap();
}

#[tokio::test]
async fn a_file_is_imported_up_to_the_size_that_is_configured() {
    let harness = Harness::without_worker().await;
    let limits = limits();
    let imports = ImportLimits { max_bytes: 10, ..limits.imports };
    let service = harness.service_within(Limits { imports, ..limits }).await;
    let api = service.api(1);
    let dataset = api.dataset().await;

    api.import(dataset, "t", "a,b\n1,2\n").await.unwrap();
    let larger = api.import(dataset, "u", "a,b\n1,2\n3,4\n").await;
    larger.map(tonic::Response::new).refused(Code::ResourceExhausted, "IMPORT_TOO_LARGE");
}
