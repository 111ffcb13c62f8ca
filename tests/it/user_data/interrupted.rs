//! Deletions that somebody else has to bring to their end.

use async_nats::jetstream;
use storage::{UserId, user_data};

use super::{completed, delete, nobody_follows};
use crate::{
    harness::{Harness, eventually, random_uuid},
    run_queue::own_server::OwnServer,
};

#[tokio::test]
async fn one_that_was_only_stored_is_brought_to_its_end() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    api.ask(session.id, "SELECT 1").await;
    api.start(session.id, "SELECT pg_sleep(600)").await;

    // As if the process had died after it.
    user_data::delete(&harness.db, UserId(1), None).await.unwrap();

    eventually("its end", async || {
        nobody_follows(&harness).await;
        let open = "SELECT count(*) FROM user_data_deletions WHERE completed_at IS NULL";
        (harness.number(open).await == 0).then_some(())
    })
    .await;
    let counted = "SELECT sessions * 100 + runs * 10 + agents FROM user_data_deletions";
    assert_eq!(harness.number(counted).await, 121);
    assert_eq!(harness.number("SELECT count(*) FROM messages").await, 0);
}

#[tokio::test]
async fn several_services_bring_it_to_its_end_together_and_count_each_row_once() {
    let harness = Harness::without_worker().await;
    let _second = harness.another_service(std::time::Duration::from_secs(1)).await;
    let _third = harness.another_service(std::time::Duration::from_secs(1)).await;
    let api = harness.api(1);
    let agent = api.agent().await;
    harness
        .execute(&format!(
            "INSERT INTO chat_sessions (user_id, agent_id, updated_at)
            SELECT 1, {agent}, 'epoch' FROM generate_series(1, 1000)"
        ))
        .await;
    let request_id = random_uuid();

    delete(&api, &request_id).await;
    let receipt = completed(&harness, &api, &request_id).await;

    assert_eq!(receipt.deleted.map(|it| (it.sessions, it.agents)), Some((1_000, 1)));
}

/// A question was answered, its events are in the log, and NATS has gone.
async fn asked_before_nats_went() -> (OwnServer, Harness) {
    let mut server = OwnServer::start().await;
    let harness = Harness::on_nats(&server.url()).await;
    let worker = harness.worker(model::Builtin, 1);
    harness.log_is_there().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    api.ask(session.id, "SELECT 1").await;
    worker.stop().await;
    server.stop().await;
    (server, harness)
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nats_is_away_all_but_the_events_goes_and_they_go_once_it_is_back() {
    let (mut server, harness) = asked_before_nats_went().await;
    let (api, request_id) = (harness.api(1), random_uuid());

    let first = delete(&api, &request_id).await;
    eventually("all but the events being gone", async || {
        nobody_follows(&harness).await;
        let left = "SELECT (SELECT count(*) FROM agents) + (SELECT count(*) FROM data_sources)";
        (harness.number(left).await == 0).then_some(())
    })
    .await;
    let meanwhile = delete(&api, &request_id).await;
    let noted = harness.number("SELECT count(*) FROM run_event_purges").await;
    server.start_again().await;
    let complete = completed(&harness, &api, &request_id).await;

    assert_eq!((first.completed_at, meanwhile.completed_at, noted), (None, None, 1));
    assert!(complete.completed_at.is_some());
    let client = run_queue::connect(&server.url(), "test").await.unwrap();
    let jetstream = jetstream::new(client);
    let log = jetstream.get_stream(format!("{}_RUN_EVENTS", harness.names_prefix)).await.unwrap();
    assert_eq!(log.cached_info().state.messages, 0);
}

#[tokio::test]
async fn events_that_nats_never_came_back_for_are_forgotten_with_its_log() {
    let (_server, harness) = asked_before_nats_went().await;
    let (api, request_id) = (harness.api(1), random_uuid());
    delete(&api, &request_id).await;
    eventually("its events being left", async || {
        nobody_follows(&harness).await;
        (harness.number("SELECT count(*) FROM run_event_purges").await == 1).then_some(())
    })
    .await;

    harness.execute("UPDATE run_event_purges SET expires_at = now()").await;
    let complete = completed(&harness, &api, &request_id).await;

    assert!(complete.completed_at.is_some());
}
