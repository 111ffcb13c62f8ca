//! The same request many times at once.

use futures::future;
use tonic::{Response, Status};

use super::rpcs::{CREATE_POSTGRES, Call, RPCS, User, Version};
use crate::harness::{Expect as _, Harness, random_uuid};

async fn at_once(call: Call, user: &User, id: &str, count: usize) -> Vec<Result<i64, Status>> {
    let calls = (0..count).map(|_| call(user.clone(), id.to_owned(), Version::One));
    future::join_all(calls).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_duplicates_at_once_one_has_an_effect_and_all_get_its_resource() {
    let harness = Harness::without_worker().await;

    for ((rpc, call), user) in RPCS.into_iter().chain([CREATE_POSTGRES]).zip(1..) {
        let one = User::new(&harness, user).await;
        let many = User::new(&harness, 100 + user).await;
        let id = random_uuid();

        // As a user to whom it is done once, under the same id.
        let once = call(one.clone(), id.clone(), Version::One).await.expect(rpc);
        let all = at_once(call, &many, &id, 64).await;

        let ids: Vec<i64> = all.into_iter().map(|it| it.expect(rpc)).collect();
        assert!(ids.iter().all(|it| *it == ids[0] && *it != once), "{rpc}: {once} {ids:?}");
        let (expected, found) = (one.belongings(&harness).await, many.belongings(&harness).await);
        assert_eq!(found, expected, "{rpc}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_requests_that_race_for_an_id_one_has_it() {
    let harness = Harness::without_worker().await;
    let [(_, create_session), ..] = RPCS;
    let user = User::new(&harness, 1).await;

    for _ in 0..20 {
        let id = random_uuid();
        let versions = [Version::One, Version::Another].into_iter().cycle().take(8);
        let calls = versions.map(|version| create_session(user.clone(), id.clone(), version));
        let all = future::join_all(calls).await;

        let (done, reused): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
        assert_eq!((done.len(), reused.len()), (4, 4));
        let ids: Vec<i64> = done.into_iter().flatten().collect();
        assert!(ids.iter().all(|it| *it == ids[0]), "{ids:?}");
        for refused in reused {
            let refused = refused.map(Response::new);
            refused.refused(tonic::Code::AlreadyExists, "REQUEST_ID_REUSED");
        }
    }
    let titles = "SELECT count(*) FROM chat_sessions WHERE title IN ('one', 'another')";
    assert_eq!(harness.number(titles).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_set_that_a_duplicate_made_in_vain_is_left_to_the_sweep() {
    let harness = Harness::without_worker().await;
    let (_, create_dataset) = RPCS[9];
    let user = User::new(&harness, 1).await;

    let all = at_once(create_dataset, &user, &random_uuid(), 16).await;

    assert!(all.iter().all(Result::is_ok), "{all:?}");
    let sql = "SELECT count(*) FROM data_sources WHERE kind = 'dataset' AND deleted_at IS NULL";
    // With the one that the user began with.
    assert_eq!(harness.number(sql).await, 2);
    let sql = "SELECT count(*) FROM data_sources WHERE deleted_at IS NOT NULL AND drop_at IS NULL";
    assert_eq!(harness.number(sql).await, 0);
}
