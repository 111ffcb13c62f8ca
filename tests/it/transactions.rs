use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use storage::{Database, transaction};
use tokio::task::yield_now;
use tokio_postgres::Client;

use crate::harness::{empty_database, superuser_in};

const CALLERS: u32 = 400;

/// A pool of one connection, and a session that sees what its server thinks of it.
async fn pool_of_one() -> (Database, Client) {
    let db = storage::connect(&empty_database().await, 1).await.expect("the database answers");
    (db, superuser_in("postgres").await)
}

/// Borrows the connection, and asks its server for its state after that: `idle`,
/// or `idle in transaction`.
async fn state_after_the_next_borrower(db: &Database, observer: &Client) -> String {
    let sql = "SELECT pg_backend_pid() AS pid";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
    let row = row.expect("the pool still works").expect("one row");
    let pid: i32 = row.try_get("", "pid").expect("a number");
    let sql = "SELECT state FROM pg_stat_activity WHERE pid = $1";
    observer.query_one(sql, &[&pid]).await.expect("the server answers").get(0)
}

async fn yields(count: u32) {
    for _ in 0..count {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_caller_cancelled_between_any_two_steps_leaves_no_transaction_behind() {
    let (db, observer) = pool_of_one().await;
    let (mut cancelled, mut patience) = (0, 0);

    while cancelled < CALLERS {
        patience = (patience + 1) % 50;
        tokio::select! {
            biased;
            () = yields(patience) => cancelled += 1,
            begun = transaction(&db) => drop(begun.expect("the database answers")),
        }
        let state = state_after_the_next_borrower(&db, &observer).await;
        assert_eq!(state, "idle", "after a caller who was polled {patience} times");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_whose_task_is_aborted_at_any_time_leaves_no_transaction_behind() {
    let (db, observer) = pool_of_one().await;

    for caller in 0..CALLERS {
        let task = tokio::spawn({
            let db = db.clone();
            async move { transaction(&db).await.map(drop) }
        });
        yields(caller * 5).await;
        task.abort();
        let _ = task.await;
        let state = state_after_the_next_borrower(&db, &observer).await;
        assert_eq!(state, "idle", "after caller {caller}");
    }
}
