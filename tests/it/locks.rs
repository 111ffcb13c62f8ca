//! A transaction that does not come to its end holds up its own session only, and
//! not for long.

use proto::v1::{self as pb, RunState};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};
use tonic::Code;

use crate::harness::{Expect as _, Harness, eventually};

/// A connection of its own, inside a transaction that has locked this session.
async fn lock(harness: &Harness, session_id: i64) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(&harness.database_url);
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await.expect("the database answers");
    let lock =
        format!("BEGIN; SELECT FROM chat_sessions WHERE id = {session_id} FOR NO KEY UPDATE");
    db.execute_unprepared(&lock).await.expect("the session is there");
    db
}

#[tokio::test]
async fn a_locked_session_holds_up_no_other() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let agent = api.agent().await;
    let (stuck, other) = (api.session(agent, "").await.id, api.session(agent, "").await.id);
    let waiting = api.start(stuck, "SELECT 1").await.id;
    api.wait(waiting).await;
    let holder = lock(&harness, stuck).await;
    // Everything about the session is due, which the sweeps find out.
    let due = "INSERT INTO runs (chat_session_id, agent_id, user_id, question, wake_at, expires_at)
        SELECT chat_session_id, agent_id, user_id, question, now(), now() FROM runs
        CROSS JOIN generate_series(1, 50)";
    harness.db.execute_unprepared(due).await.unwrap();

    for n in 0..3 {
        let (run, _) = api.ask(other, &format!("SELECT {n}")).await;
        assert_eq!(run.state(), RunState::Succeeded);
    }
    let request = pb::StartRunRequest {
        session_id: stuck,
        question: "SELECT 2".to_owned(),
        ..Default::default()
    };
    let refused = api.runs.clone().start_run(request.clone()).await;
    refused.refused(Code::Unavailable, "UNAVAILABLE");

    holder.execute_unprepared("ROLLBACK").await.unwrap();
    let run = eventually("the overdue runs being ended", async || {
        api.runs.clone().start_run(request.clone()).await.ok()
    });
    let run = run.await.into_inner().run.expect("it was started");
    assert_eq!(api.wait(run.id).await.0.state(), RunState::Succeeded);
}

#[tokio::test]
async fn whoever_is_paused_inside_a_transaction_loses_its_locks() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await.id;
    let paused = storage::transaction(&harness.db).await.unwrap();
    let lock = format!("SELECT FROM chat_sessions WHERE id = {session} FOR UPDATE");
    paused.execute_unprepared(&lock).await.unwrap();

    eventually("the lock being lost", async || {
        let question = "SELECT 1".to_owned();
        let request = pb::StartRunRequest { session_id: session, question, ..Default::default() };
        api.runs.clone().start_run(request).await.ok()
    })
    .await;
    assert!(paused.commit().await.is_err());
}
