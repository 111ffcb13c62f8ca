//! What an id stands for, rpc by rpc.

use proto::v1 as pb;
use tonic::{Code, Response, Status};

use super::rpcs::{CREATE_POSTGRES, RPCS, User, Version};
use crate::harness::{Expect as _, Harness, random_uuid};

fn refused(outcome: Result<i64, Status>, rpc: &str) {
    let code = outcome.as_ref().err().map(Status::code);
    assert_eq!(code, Some(Code::AlreadyExists), "{rpc}: {outcome:?}");
    outcome.map(Response::new).refused(Code::AlreadyExists, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_request_that_is_sent_again_has_no_second_effect_and_gets_the_same_resource() {
    let harness = Harness::without_worker().await;

    for ((rpc, call), user) in RPCS.into_iter().chain([CREATE_POSTGRES]).zip(1..) {
        let user = User::new(&harness, user).await;
        let (id, before) = (random_uuid(), user.belongings(&harness).await);

        let first = call(user.clone(), id.clone(), Version::One).await.expect(rpc);
        let after = user.belongings(&harness).await;
        for _ in 0..3 {
            let again = call(user.clone(), id.clone(), Version::One).await.expect(rpc);
            assert_eq!(again, first, "{rpc}");
        }

        assert_eq!(user.belongings(&harness).await, after, "{rpc}");
        // The tables of data sets are elsewhere.
        assert!(before != after || rpc == "ImportTable", "{rpc}: {before}");
    }
}

#[tokio::test]
async fn another_request_under_the_same_id_is_refused_and_changes_nothing() {
    let harness = Harness::without_worker().await;

    for ((rpc, call), user) in RPCS.into_iter().chain([CREATE_POSTGRES]).zip(1..) {
        let user = User::new(&harness, user).await;
        let id = random_uuid();
        call(user.clone(), id.clone(), Version::One).await.expect(rpc);
        let before = user.belongings(&harness).await;

        for version in [Version::Another, Version::Another] {
            refused(call(user.clone(), id.clone(), version).await, rpc);
        }

        assert_eq!(user.belongings(&harness).await, before, "{rpc}");
        let again = call(user.clone(), id, Version::One).await;
        assert!(again.is_ok(), "{rpc}: {again:?}");
    }
}

#[tokio::test]
async fn an_id_is_good_for_one_rpc() {
    let harness = Harness::without_worker().await;
    let user = User::new(&harness, 1).await;
    let id = random_uuid();
    let [(_, create_session), ..] = RPCS;
    create_session(user.clone(), id.clone(), Version::One).await.unwrap();
    let before = user.belongings(&harness).await;

    // An import's id is good for its data set, and is kept there.
    let others = RPCS[1..].iter().filter(|(rpc, _)| *rpc != "ImportTable");
    for (rpc, call) in others.chain([&CREATE_POSTGRES]) {
        refused(call(user.clone(), id.clone(), Version::One).await, rpc);
    }

    assert_eq!(user.belongings(&harness).await, before);
}

#[tokio::test]
async fn a_request_that_failed_leaves_no_trace_and_works_under_its_id_later() {
    let harness = Harness::without_worker().await;

    for ((rpc, call), user) in RPCS.into_iter().chain([CREATE_POSTGRES]).zip(1..) {
        let user = User::new(&harness, user).await;
        let (id, before) = (random_uuid(), user.belongings(&harness).await);

        let failed = call(user.clone(), id.clone(), Version::Impossible).await;
        assert!(failed.is_err(), "{rpc}: {failed:?}");
        assert_eq!(user.belongings(&harness).await, before, "{rpc}");

        let mended = call(user.clone(), id, Version::One).await;
        assert!(mended.is_ok(), "{rpc}: {mended:?}");
    }
}

#[tokio::test]
async fn what_is_no_id_is_refused_by_every_rpc() {
    let harness = Harness::without_worker().await;
    let user = User::new(&harness, 1).await;
    let before = user.belongings(&harness).await;
    let good = "936da01f-9abd-4d9d-80c7-02af85c822a8";
    let bad = [
        "936da01f-9abd-4d9d-80c7-02af85c822a".to_owned(),
        good.replace('-', ""),
        format!("{{{good}}}"),
        good.replace('9', "g"),
        "00000000-0000-0000-0000-000000000000".to_owned(),
        " ".to_owned(),
        "x".repeat(100_000),
    ];

    for (rpc, call) in RPCS.into_iter().chain([CREATE_POSTGRES]) {
        let field = if rpc == "ImportTable" { "table.request_id" } else { "request_id" };
        for id in &bad {
            let answer = call(user.clone(), id.clone(), Version::One).await;
            answer.map(Response::new).invalid(&[field]);
        }
    }

    assert_eq!(user.belongings(&harness).await, before);
}

#[tokio::test]
async fn how_long_to_wait_is_no_part_of_the_question() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let request_id = random_uuid();
    let request = |wait: Option<i64>| pb::StartRunRequest {
        wait: wait.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
        request_id: request_id.clone(),
        ..Default::default()
    };

    let first = api.try_start(session.id, "SELECT 1", request(None)).await.unwrap();
    let second = api.try_start(session.id, "SELECT 1", request(Some(60))).await.unwrap();
    let third = api.try_start(session.id, "SELECT 1", request(Some(1))).await.unwrap();

    assert_eq!([second.id, third.id], [first.id; 2]);
    assert!(second.ended_at.is_some(), "the repetition did not wait");
    assert_eq!(second, third);
    assert_eq!(api.messages(session.id).await.len(), 2);
}

#[tokio::test]
async fn a_repetition_does_not_make_again_what_was_deleted_meanwhile() {
    let harness = Harness::without_worker().await;
    let user = User::new(&harness, 1).await;
    let [(_, create), (_, update), (_, delete), (_, undelete), (_, start), (_, cancel), ..] = RPCS;
    let ids: Vec<String> = (0..5).map(|_| random_uuid()).collect();
    let created = create(user.clone(), ids[0].clone(), Version::One).await.unwrap();
    update(user.clone(), ids[1].clone(), Version::One).await.unwrap();
    cancel(user.clone(), ids[2].clone(), Version::One).await.unwrap();
    delete(user.clone(), ids[3].clone(), Version::One).await.unwrap();
    let request = pb::DeleteSessionRequest { session_id: created, ..Default::default() };
    user.api.sessions.clone().delete_session(request).await.ok_response();
    let before = user.belongings(&harness).await;

    for (call, id) in [(create, &ids[0]), (update, &ids[1])] {
        let again = call(user.clone(), id.clone(), Version::One).await.map(Response::new);
        again.refused(Code::NotFound, "SESSION_NOT_FOUND");
    }
    cancel(user.clone(), ids[2].clone(), Version::One).await.expect("it was cancelled");
    delete(user.clone(), ids[3].clone(), Version::One).await.expect("it was deleted");

    assert_eq!(user.belongings(&harness).await, before);
    // What was undone stays undone.
    undelete(user.clone(), random_uuid(), Version::One).await.unwrap();
    start(user.clone(), ids[4].clone(), Version::One).await.unwrap();
    let request = pb::UndeleteSessionRequest { session_id: user.session, ..Default::default() };
    user.api.sessions.clone().undelete_session(request).await.ok_response();
    delete(user.clone(), ids[3].clone(), Version::One).await.expect("it was deleted once");
    assert_eq!(user.api.get_session(user.session).await.id, user.session);
}
