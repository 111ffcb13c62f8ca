//! What one is told of a deletion.

use proto::v1 as pb;
use tonic::Code;

use super::{completed, delete, delete_all, try_delete};
use crate::harness::{Expect as _, Harness, random_uuid};

#[tokio::test]
async fn a_receipt_counts_what_is_gone_and_knows_nothing_of_it() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let agent = api.penguins_agent().await;
    let [kept, deleted] = [api.session(agent, "").await.id, api.session(agent, "").await.id];
    for session in [kept, kept, deleted] {
        api.ask(session, "How many penguins by island?").await;
    }
    harness.all_is_embedded().await;
    api.delete_session(deleted).await;
    let request = pb::CreateSessionRequest {
        agent_id: agent,
        request_id: random_uuid(),
        ..Default::default()
    };
    api.sessions.clone().create_session(request).await.ok_response();

    let receipt = delete_all(&harness, &api).await;

    let expected = pb::DeletedUserData {
        sessions: 3,
        messages: 6,
        embeddings: 6,
        runs: 3,
        results: 3,
        agents: 1,
        data_sources: 1,
        request_ids: 1,
    };
    assert_eq!(receipt.deleted, Some(expected));
    let (asked, done) = (receipt.requested_at.unwrap(), receipt.completed_at.unwrap());
    assert!((asked.seconds, asked.nanos) < (done.seconds, done.nanos), "{receipt:?}");
}

#[tokio::test]
async fn the_same_request_gives_the_same_receipt_and_deletes_nothing_more() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    api.session(api.agent().await, "old").await;
    let request_id = random_uuid();
    let first = completed(&harness, &api, &request_id).await;
    let session = api.session(api.agent().await, "new").await;

    let again = delete(&api, &request_id).await;
    // As after a day.
    harness.execute("DELETE FROM idempotency_keys").await;
    let much_later = delete(&api, &request_id).await;

    assert_eq!((&again, &much_later), (&first, &first));
    assert_eq!(api.get_session(session.id).await.title, "new");
    let another = delete_all(&harness, &api).await;
    assert_ne!(another.id, first.id);
    assert_eq!(another.deleted.map(|it| it.sessions), Some(1));
}

#[tokio::test]
async fn an_id_is_of_one_request_only() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent_id = api.agent().await;
    let [of_session, of_deletion] = [random_uuid(), random_uuid()];
    let create = async |agent_id: i64, request_id: &str| {
        let request_id = request_id.to_owned();
        let request = pb::CreateSessionRequest { agent_id, request_id, ..Default::default() };
        api.sessions.clone().create_session(request).await
    };
    create(agent_id, &of_session).await.ok_response();

    try_delete(&api, &of_session).await.refused(Code::AlreadyExists, "REQUEST_ID_REUSED");
    delete(&api, &of_deletion).await;
    let agent_id = api.agent().await;
    let reused = create(agent_id, &of_deletion).await;

    reused.refused(Code::AlreadyExists, "REQUEST_ID_REUSED");
    try_delete(&api, "7").await.invalid(&["request_id"]);
}

#[tokio::test]
async fn of_many_at_once_there_is_one_deletion_while_there_is_nothing_new() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    api.session(api.agent().await, "").await;
    let request_id = random_uuid();

    let all = futures::future::join_all((0..64).map(|_| delete(&api, &request_id))).await;
    let without_ids = futures::future::join_all((0..16).map(|_| delete(&api, ""))).await;

    assert!(all.iter().all(|it| it.id == all[0].id));
    assert_eq!(harness.number("SELECT count(*) FROM user_data_deletions").await, 1);
    assert!(without_ids.iter().all(|it| it.id == all[0].id));
    api.session(api.agent().await, "").await;
    assert_ne!(delete(&api, "").await.id, all[0].id);
}

#[tokio::test]
async fn of_an_empty_account_it_is_complete_at_once() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let request_id = random_uuid();

    let first = delete(&api, &request_id).await;
    let again = delete(&api, &request_id).await;
    let another = delete(&api, "").await;

    assert!(first.completed_at.is_some() && another.completed_at.is_some(), "{first:?}");
    assert_eq!(again, first);
    assert_ne!(another.id, first.id);
}

#[tokio::test]
async fn a_receipt_is_its_users_alone() {
    let harness = Harness::without_worker().await;
    let (api, other) = (harness.api(1), harness.api(2));
    api.session(api.agent().await, "").await;
    let session = other.session(other.agent().await, "").await;
    let request_id = random_uuid();

    let one = completed(&harness, &api, &request_id).await;
    let theirs = delete(&other, &request_id).await;

    assert_ne!(theirs.id, one.id);
    let gone = pb::GetSessionRequest { session_id: session.id };
    let gone = other.sessions.clone().get_session(gone).await;
    gone.refused(Code::NotFound, "SESSION_NOT_FOUND");
}
