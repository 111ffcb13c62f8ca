//! Round after round of what comes and goes: what is left does not grow.

use async_nats::jetstream;

use crate::{harness::Harness, user_data::delete_all};

/// A worker that is killed may leave a row or two of background work.
const EMPTY: [&str; 9] = [
    "data_sources",
    "agents",
    "chat_sessions",
    "runs",
    "run_results",
    "messages",
    "message_embeddings",
    "background_tasks",
    "run_event_purges",
];
const ROUNDS: usize = 8;
/// What the first rounds take, as pages and index pages are used for the first time.
const WARM_UP: usize = 3;

/// The bytes that the tables take with all that belongs to them, once they are vacuumed.
async fn bytes(harness: &Harness) -> i64 {
    harness.execute("VACUUM").await;
    harness
        .number(
            "SELECT sum(pg_total_relation_size(relid))::bigint FROM pg_stat_user_tables
            WHERE schemaname = 'public'",
        )
        .await
}

async fn stored_messages(harness: &Harness) -> u64 {
    let jetstream = jetstream::new(harness.nats.clone());
    let mut messages = 0;
    for name in ["RUNS", "RUN_EVENTS", "RUN_DEAD_LETTERS"] {
        let stream = jetstream.get_stream(format!("{}_{name}", harness.names_prefix)).await;
        messages += stream.expect("it is there").cached_info().state.messages;
    }
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn after_each_round_nothing_is_left_and_the_disk_is_used_again() {
    let (harness, _worker) = Harness::start().await;
    harness.log_is_there().await;
    let mut sizes = Vec::new();

    for _ in 0..ROUNDS {
        let api = harness.api(1);
        let agent = api.penguins_agent().await;
        for _ in 0..5 {
            let session = api.session(agent, "a title").await;
            for _ in 0..4 {
                api.ask(session.id, "SELECT * FROM penguins").await;
            }
        }
        harness.all_is_embedded().await;
        delete_all(&harness, &api).await;

        for table in EMPTY {
            assert_eq!(harness.count(table).await, 0, "{table}");
        }
        assert_eq!(stored_messages(&harness).await, 0);
        sizes.push(bytes(&harness).await);
    }

    let most = sizes[..WARM_UP].iter().max().expect("there are some");
    assert!(sizes[WARM_UP..].iter().all(|it| *it <= most + most / 50), "{sizes:?}");
}
