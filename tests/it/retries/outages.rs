//! Servers that are away for a while.

use proto::v1::{self as pb, RunState, create_data_source_request::Kind};
use tokio_postgres::Client;

use super::session;
use crate::harness::{Api, Expect as _, Gate, Harness, OtherDatabase, eventually, superuser_in};

/// An agent on a database whose role can read one table.
async fn agent_on(api: &Api, database: &OtherDatabase) -> i64 {
    let name = &database.name;
    let sql = format!(
        "CREATE TABLE public.t AS SELECT 7 AS n;
        GRANT USAGE ON SCHEMA public TO {name};
        GRANT SELECT ON public.t TO {name}"
    );
    database.admin.batch_execute(&sql).await.expect("tables may be created");
    let request = pb::CreateDataSourceRequest {
        name: "Other".to_owned(),
        kind: Some(Kind::Postgres(database.way())),
        ..Default::default()
    };
    let source = api.sources.clone().create_data_source(request).await.ok_response();
    api.agent_on(source.data_source.expect("it was created").id).await
}

#[tokio::test]
async fn a_data_source_that_is_away_for_a_while_is_asked_again() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let database = OtherDatabase::create("").await;
    let session = api.session(agent_on(&api, &database).await, "").await;
    let limit = async |connections: i32| {
        let sql = format!("ALTER ROLE {} CONNECTION LIMIT {connections}", database.name);
        database.admin.batch_execute(&sql).await.expect("roles may be changed");
    };
    limit(0).await;

    let run = api.start(session.id, "SELECT n FROM t").await;
    eventually("the first attempt failing", async || {
        let run = api.run(run.id).await;
        (run.attempts == 1 && run.state() == RunState::Queued).then_some(())
    })
    .await;
    limit(-1).await;
    let (run, answer) = api.wait(run.id).await;

    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 2), "{run:?}");
    assert_eq!(answer.content, "7");
    harness.assert_sound(session.id).await;
}

/// Cuts all connections to Tertulia's own database.
async fn cut_all(admin: &Client, name: &str) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    admin.execute(sql, &[&name]).await.expect("the server answers");
}

fn name_of(harness: &Harness) -> String {
    let config: tokio_postgres::Config = harness.database_url.parse().expect("it is a URL");
    config.get_dbname().expect("it names the database").to_owned()
}

/// Waits for a run's end, whatever goes wrong on the way.
async fn insist(api: &Api, run_id: i64) -> pb::Run {
    eventually("the run's end", async || {
        let response = api.runs.clone().get_run(pb::GetRunRequest { run_id }).await.ok()?;
        response.into_inner().run.filter(|run| run.ended_at.is_some())
    })
    .await
}

#[tokio::test]
async fn a_run_outlives_the_loss_of_every_connection_to_the_database() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let gate = Gate::shared();
    let _worker = harness.worker(gate, 1);
    let admin = superuser_in("postgres").await;
    let name = name_of(&harness);
    let run = api.start(session_id, "well?").await;
    gate.asked().await;

    cut_all(&admin, &name).await;
    gate.let_through(1);
    let run = insist(&api, run.id).await;

    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 1), "{run:?}");
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn a_run_outlives_a_restart_of_the_database_while_it_ends() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let gate = Gate::shared();
    let _worker = harness.worker(gate, 1);
    let admin = superuser_in("postgres").await;
    let name = name_of(&harness);
    let open = async |is_open: bool| {
        let sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {is_open}");
        admin.batch_execute(&sql).await.expect("databases may be changed");
    };
    let run = api.start(session_id, "well?").await;
    gate.asked().await;

    open(false).await;
    cut_all(&admin, &name).await;
    gate.let_through(1);
    // In the middle of the worker's attempts to store the end.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    open(true).await;
    let run = insist(&api, run.id).await;

    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 1), "{run:?}");
    harness.assert_sound(session_id).await;
}
