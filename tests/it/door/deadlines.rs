//! `grpc-timeout`, down to the database.

use std::time::Duration;

use futures::future;
use prost::Message;
use proto::v1 as pb;
use sea_orm::ConnectionTrait as _;
use session_service::door::{Bounds, Door, Turns};
use storage::Database;
use tokio::time::Instant;
use tonic::Code;

use super::{Caller, assert_ok, assert_refused};
use crate::harness::{Api, Expect as _, Harness, Service, door, eventually, mask, settings};

const SECOND: Duration = Duration::from_secs(1);
/// How late an answer may be.
const LATE: Duration = Duration::from_millis(700);
/// How soon after its caller has left a statement has ended.
const SOON: Duration = Duration::from_secs(2);
/// How many connections the service has.
const POOL: usize = 10;

/// A connection of its own, inside a transaction that holds a lock.
pub(super) async fn hold(harness: &Harness, lock: &str) -> Database {
    let db = storage::connect(&harness.database_url, 1).await.expect("the database answers");
    db.execute_unprepared(&format!("BEGIN; {lock}")).await.expect("it can be locked");
    db
}

pub(super) async fn release(holder: Database) {
    holder.execute_unprepared("ROLLBACK").await.expect("the database answers");
}

/// How many statements of requests wait for a lock; the sweeps' are not counted.
async fn waiting(observer: &Database) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
            AND query NOT LIKE '%SKIP LOCKED%' AND query NOT LIKE '%NOT EXISTS%'";
    let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
    let row = observer.query_one_raw(statement).await.expect("the database answers");
    row.expect("there is a row").try_get_by_index(0).expect("it is a bigint")
}

pub(super) async fn until_waiting(observer: &Database, count: i64) -> Duration {
    let began_at = Instant::now();
    let what = format!("{count} statements waiting");
    eventually(&what, async || (waiting(observer).await == count).then_some(())).await;
    began_at.elapsed()
}

async fn until_some_wait(observer: &Database) {
    eventually("a statement waiting", async || (0 < waiting(observer).await).then_some(())).await;
}

/// A service in which one user may have all connections.
async fn unfair(harness: &Harness) -> Service {
    let turns = Bounds { in_all: 100, of_a_user: 100 };
    let door = Door { turns: Turns::new(turns), ..door() };
    harness.service_behind(door, settings()).await
}

pub(super) async fn observer(harness: &Harness) -> Database {
    storage::connect(&harness.database_url, 1).await.expect("the database answers")
}

pub(super) async fn session(harness: &Harness) -> (Api, pb::Session) {
    let api = harness.api(1);
    let session = api.session(api.agent().await, "one").await;
    (api, session)
}

fn rename(session_id: i64) -> pb::UpdateSessionRequest {
    let update_mask = mask(&["title"]);
    pb::UpdateSessionRequest {
        session_id,
        title: "two".to_owned(),
        update_mask,
        ..Default::default()
    }
}

/// Asks something that a lock keeps waiting, and asserts that it ends with its deadline,
/// for the caller and for the database.
async fn check(harness: &Harness, lock: &str, method: &str, message: &impl Message) {
    let (caller, observer) = (Caller::connect(&harness.service, 1).await, observer(harness).await);
    let holder = hold(harness, lock).await;

    let began_at = Instant::now();
    let (answer, ()) =
        future::join(caller.ask_within("1S", method, message), until_some_wait(&observer)).await;

    let took = began_at.elapsed();
    assert_refused(&answer, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    assert!((SECOND..SECOND + LATE).contains(&took), "{method}: {took:?}");
    let gone_after = until_waiting(&observer, 0).await;
    assert!(gone_after < SOON, "{method}: {gone_after:?}");
    release(holder).await;
}

#[tokio::test]
async fn a_statement_that_waits_for_a_row_ends_with_its_callers_deadline() {
    let harness = Harness::without_worker().await;
    let (api, session) = session(&harness).await;
    let lock = format!("SELECT FROM chat_sessions WHERE id = {} FOR UPDATE", session.id);
    let start = pb::StartRunRequest {
        session_id: session.id,
        question: "SELECT 1".to_owned(),
        ..Default::default()
    };
    let delete = pb::DeleteSessionRequest { session_id: session.id, ..Default::default() };

    check(&harness, &lock, "SessionService/UpdateSession", &rename(session.id)).await;
    check(&harness, &lock, "RunService/StartRun", &start).await;
    check(&harness, &lock, "SessionService/DeleteSession", &delete).await;

    let after = api.get_session(session.id).await;
    assert_eq!(after, session, "what was too late has no effect");
}

#[tokio::test]
async fn a_statement_that_waits_for_a_table_ends_with_its_callers_deadline() {
    let harness = Harness::without_worker().await;
    let (_, session) = session(&harness).await;
    let (sessions, messages) = (
        "LOCK TABLE chat_sessions IN ACCESS EXCLUSIVE MODE",
        "LOCK TABLE messages IN ACCESS EXCLUSIVE MODE",
    );
    let get = pb::GetSessionRequest { session_id: session.id };
    let list = pb::ListSessionsRequest { search: "one".to_owned(), ..Default::default() };
    let read = pb::ListMessagesRequest { session_id: session.id, ..Default::default() };
    let search = pb::SearchMessagesRequest { query: "one".to_owned(), ..Default::default() };

    check(&harness, sessions, "SessionService/GetSession", &get).await;
    check(&harness, sessions, "SessionService/ListSessions", &list).await;
    check(&harness, messages, "SessionService/ListMessages", &read).await;
    check(&harness, messages, "SessionService/SearchMessages", &search).await;
}

#[tokio::test]
async fn as_many_late_requests_as_there_are_connections_leave_them_to_the_next() {
    let harness = Harness::without_worker().await;
    let (api, session) = session(&harness).await;
    let service = unfair(&harness).await;
    let (caller, observer) = (Caller::connect(&service, 1).await, observer(&harness).await);
    let lock = format!("SELECT FROM chat_sessions WHERE id = {} FOR UPDATE", session.id);
    let holder = hold(&harness, &lock).await;

    let rename = rename(session.id);
    let late = (0..POOL).map(|_| caller.ask_within("1S", "SessionService/UpdateSession", &rename));
    for answer in future::join_all(late).await {
        assert_refused(&answer, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    }
    let asked_at = Instant::now();
    api.get_session(session.id).await;

    assert!(asked_at.elapsed() < SECOND, "{:?}", asked_at.elapsed());
    assert!(until_waiting(&observer, 0).await < SOON);
    release(holder).await;
}

#[tokio::test]
async fn what_a_caller_waited_for_ends_when_it_leaves() {
    let harness = Harness::without_worker().await;
    let (_, session) = session(&harness).await;
    let service = unfair(&harness).await;
    let api = service.api(1);
    let observer = observer(&harness).await;
    let lock = format!("SELECT FROM chat_sessions WHERE id = {} FOR UPDATE", session.id);
    let holder = hold(&harness, &lock).await;

    let callers = (0..POOL).map(|_| {
        let mut api = api.clone();
        tokio::spawn(async move { api.sessions.update_session(rename(session.id)).await })
    });
    let callers: Vec<_> = callers.collect();
    until_waiting(&observer, POOL as i64).await;
    for caller in callers {
        caller.abort();
    }

    assert!(until_waiting(&observer, 0).await < SOON);
    api.get_session(session.id).await;
    release(holder).await;
}

#[tokio::test]
async fn connections_to_the_database_are_kept_over_requests_that_are_in_time() {
    let harness = Harness::without_worker().await;
    let (_, session) = session(&harness).await;
    let service = unfair(&harness).await;
    let caller = Caller::connect(&service, 1).await;
    let get = pb::GetSessionRequest { session_id: session.id };
    let ask = || caller.ask_within("10S", "SessionService/GetSession", &get);
    future::join_all((0..POOL).map(|_| ask())).await;
    let began = "(extract(epoch FROM backend_start) * 1000000)::bigint";
    let ours = "pg_stat_activity WHERE datname = current_database()";
    let youngest = harness.number(&format!("SELECT max({began}) FROM {ours}")).await;
    let kept = format!("SELECT count(*) FROM {ours} AND {began} <= {youngest}");
    let before = harness.number(&kept).await;

    for _ in 0..20 {
        for answer in future::join_all((0..POOL).map(|_| ask())).await {
            assert_ok(&answer);
        }
    }

    assert_eq!(harness.number(&kept).await, before, "a connection was closed");
}

#[tokio::test]
async fn one_who_waits_for_a_run_is_answered_before_its_deadline() {
    let harness = Harness::without_worker().await;
    let (api, session) = session(&harness).await;
    let caller = Caller::connect(&harness.service, 1).await;
    let minute = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let start = pb::StartRunRequest {
        session_id: session.id,
        question: "SELECT 1".to_owned(),
        wait: minute,
        ..Default::default()
    };

    let started = caller.ask_within("1S", "RunService/StartRun", &start).await;
    assert_ok(&started);
    let run = started.message::<pb::StartRunResponse>().and_then(|it| it.run).expect("a run");
    let wait = pb::WaitRunRequest { run_id: run.id, timeout: minute };
    let began_at = Instant::now();
    let waited = caller.ask_within("1S", "RunService/WaitRun", &wait).await;

    assert_ok(&waited);
    let took = began_at.elapsed();
    assert!((SECOND / 2..SECOND).contains(&took), "{took:?}");
    let run = waited.message::<pb::WaitRunResponse>().and_then(|it| it.run).expect("a run");
    assert_eq!(api.run(run.id).await, run);
}

#[tokio::test]
async fn a_watch_ends_at_its_deadline_as_such() {
    let harness = Harness::without_worker().await;
    let (api, session) = session(&harness).await;
    let run = api.start(session.id, "SELECT 1").await;
    let caller = Caller::connect(&harness.service, 1).await;

    let watch = pb::WatchRunRequest { run_id: run.id, after_event_id: 0 };
    let began_at = Instant::now();
    let answer = caller.ask_within("1S", "RunService/WatchRun", &watch).await;

    let took = began_at.elapsed();
    assert_refused(&answer, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    assert!((SECOND..SECOND + LATE).contains(&took), "{took:?}");
    assert!(!answer.body.is_empty(), "the state comes first");
}

#[tokio::test]
async fn a_deadline_that_can_not_be_read_is_refused_by_name() {
    let harness = Harness::without_worker().await;
    let caller = Caller::connect(&harness.service, 1).await;
    let list = pb::ListSessionsRequest::default();

    for bad in ["", "1", "S", "-1S", "1.5S", "123456789S", "1x", "1S ,1S", "\u{fe}1S"] {
        let answer = caller.ask_within(bad, "SessionService/ListSessions", &list).await;
        assert_refused(&answer, Code::InvalidArgument, "INVALID_FIELD");
        let status = Err::<tonic::Response<()>, _>(answer.status().expect("it has one"));
        status.invalid(&["grpc-timeout"]);
    }
    assert_ok(&caller.ask_within("99999999H", "SessionService/ListSessions", &list).await);
    let answer = caller.ask_within("0n", "SessionService/ListSessions", &list).await;
    assert_refused(&answer, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}
