//! What is kept of requests, and for how long.

use std::time::Duration;

use futures::future;
use proto::v1::{self as pb, create_data_source_request::Kind};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use session_service::sweep;
use storage::idempotency;
use tokio_util::sync::CancellationToken;

use super::rpcs::{CREATE_POSTGRES, RPCS, User, Version, way};
use crate::harness::{Harness, eventually, random_uuid};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const COUNT: &str = "SELECT count(*) FROM idempotency_keys";

async fn add(harness: &Harness, count: u32, age: &str) {
    let sql = format!(
        "INSERT INTO idempotency_keys (user_id, request_id, method, payload_hash, resource_id,
            created_at)
        SELECT 1, gen_random_uuid(), 'CreateSession', '', 1, now() - interval '{age}'
        FROM generate_series(1, {count})"
    );
    harness.execute(&sql).await;
}

#[tokio::test]
async fn requests_of_the_last_day_are_known_and_older_ones_are_forgotten() {
    let harness = Harness::without_worker().await;
    let user = User::new(&harness, 1).await;
    let [(_, create_session), ..] = RPCS;
    let (young, old) = (random_uuid(), random_uuid());
    let kept = create_session(user.clone(), young.clone(), Version::One).await.unwrap();
    let forgotten = create_session(user.clone(), old.clone(), Version::One).await.unwrap();
    for (id, age) in [(&young, "24 hours 59 minutes"), (&old, "25 hours 1 second")] {
        harness
            .execute(&format!(
                "UPDATE idempotency_keys SET created_at = now() - interval '{age}'
                WHERE request_id = '{id}'"
            ))
            .await;
    }
    let others = harness.number(COUNT).await - 2;
    // More than the sweep takes at a time.
    add(&harness, 2_500, "26 hours").await;

    let shutdown = CancellationToken::new();
    let sweep = tokio::spawn(sweep::requests(harness.db.clone(), DAY, shutdown.clone()));
    eventually("the purge of all that is old", async || {
        (harness.number(COUNT).await == others + 1).then_some(())
    })
    .await;
    shutdown.cancel();
    sweep.await.unwrap();

    let again = create_session(user.clone(), young, Version::One).await.unwrap();
    let anew = create_session(user, old, Version::One).await.unwrap();
    assert_eq!(again, kept);
    assert_ne!(anew, forgotten);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_purges_at_once_each_takes_others() {
    let harness = Harness::without_worker().await;
    add(&harness, 2_000, "2 days").await;
    add(&harness, 10, "1 hour").await;

    let purging = async || {
        let mut purged = 0;
        loop {
            match idempotency::purge(&harness.db, DAY, 100).await.expect("the database answers") {
                0 => return purged,
                some => purged += some,
            }
        }
    };
    let (one, two) = future::join(purging(), purging()).await;

    assert_eq!(one + two, 2_000, "{one} and {two}");
    assert_eq!(harness.number(COUNT).await, 10);
}

#[tokio::test]
async fn a_request_that_is_going_on_is_not_in_the_way_of_a_purge() {
    let harness = Harness::without_worker().await;
    add(&harness, 10, "2 days").await;
    let held = storage::transaction(&harness.db).await.unwrap();
    held.execute_unprepared("SELECT FROM idempotency_keys ORDER BY request_id LIMIT 3 FOR UPDATE")
        .await
        .unwrap();

    let purge = idempotency::purge(&harness.db, DAY, 100);
    let purged = tokio::time::timeout(Duration::from_secs(5), purge).await;

    assert_eq!(purged.expect("it does not wait").unwrap(), 7);
    drop(held);
    let purged = async || match idempotency::purge(&harness.db, DAY, 100).await.unwrap() {
        0 => None,
        purged => Some(purged),
    };
    assert_eq!(eventually("the rest being purged", purged).await, 3);
}

/// How many keys hold the plain hash of a message.
async fn plain_hashes(harness: &Harness, method: &str, message: &impl prost::Message) -> i64 {
    let payload = [method.as_bytes(), b"\0", &message.encode_to_vec()].concat();
    let sql = "SELECT count(*) FROM idempotency_keys
        WHERE payload_hash IN (sha256($1), sha256($2))";
    let values = [payload.into(), message.encode_to_vec().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = harness.db.query_one_raw(statement).await.expect("the database answers");
    row.expect("there is a row").try_get_by_index(0).expect("it is a bigint")
}

#[tokio::test]
async fn nobody_who_reads_the_table_can_try_passwords_on_it() {
    let harness = Harness::without_worker().await;
    let user = User::new(&harness, 1).await;
    let (one, two) = (random_uuid(), random_uuid());
    let session = pb::CreateSessionRequest {
        agent_id: user.api.get_session(user.session).await.agent_id,
        title: "one".to_owned(),
        request_id: one.clone(),
    };
    let source = pb::CreateDataSourceRequest {
        name: "one".to_owned(),
        kind: Some(Kind::Postgres(way(Version::One))),
        request_id: two.clone(),
    };

    RPCS[0].1(user.clone(), one, Version::One).await.unwrap();
    CREATE_POSTGRES.1(user, two.clone(), Version::One).await.unwrap();

    let (session, source) = (
        pb::CreateSessionRequest { request_id: String::new(), ..session },
        pb::CreateDataSourceRequest { request_id: String::new(), ..source },
    );
    // That the form is the right one shows in what has no password.
    assert_eq!(plain_hashes(&harness, "CreateSession", &session).await, 1);
    assert_eq!(plain_hashes(&harness, "CreateDataSource", &source).await, 0);
    let stored = format!("SELECT count(*) FROM idempotency_keys WHERE request_id = '{two}'");
    assert_eq!(harness.number(&stored).await, 1);
    let readable = "SELECT count(*) FROM idempotency_keys
        WHERE position('secret'::bytea IN payload_hash) > 0";
    assert_eq!(harness.number(readable).await, 0);
}
