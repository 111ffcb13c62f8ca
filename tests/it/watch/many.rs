//! Many who watch at once, on one connection.

use std::time::Duration;

use futures::{StreamExt as _, future, stream};
use tokio::time;

use super::{end, queued};
use crate::harness::{Api, Harness, Watch, numbered, text};

const MANY: usize = 500;

/// So many who watch these runs, each having seen the state.
async fn watches(api: &Api, run_ids: &[i64]) -> Vec<Watch> {
    let run_ids = run_ids.iter().cycle().take(MANY);
    let watches = stream::iter(run_ids).map(async |run_id| {
        let mut watch = api.watch(*run_id, 0).await;
        watch.event().await;
        watch
    });
    let watches = watches.buffered(50).collect();
    time::timeout(Duration::from_secs(60), watches).await.expect("there is room for all")
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_see_the_same_of_one_run() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let watches = watches(&api, &[run.id]).await;
    let rests: Vec<_> = watches.into_iter().map(|it| tokio::spawn(it.rest())).collect();
    let mut attempt = harness.attempt(run.id).await;

    for n in 0..20 {
        attempt.say_all([format!("{n} ")]).await;
        // Other requests go their way meanwhile.
        api.get_session(run.session_id).await;
    }
    attempt.end("said").await;
    let rests = future::try_join_all(rests).await.unwrap();

    let whole = numbered(&api.watch(run.id, 0).await.rest().await);
    assert_eq!(text(&whole), (0..20).map(|n| format!("{n} ")).collect::<String>());
    assert!(rests.iter().all(|events| *events == whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_see_each_his_own_of_fifty_runs() {
    let harness = Harness::without_worker().await;
    harness.log_is_there().await;
    let api = harness.api(1);
    let agent = api.agent().await;
    let mut run_ids = Vec::new();
    for n in 0..50 {
        let session = api.session(agent, "").await;
        run_ids.push(api.start(session.id, &format!("SELECT {n}")).await.id);
    }
    let watches = watches(&api, &run_ids).await;
    let rests: Vec<_> = watches.into_iter().map(|it| tokio::spawn(it.rest())).collect();

    let _worker = harness.worker(model::Builtin, 8);
    let rests = future::try_join_all(rests).await.unwrap();

    for (index, events) in rests.iter().enumerate() {
        let (run, answer) = end(events);
        let answer = answer.expect("it has one").content;
        assert_eq!((run.id, answer.as_str()), (run_ids[index % 50], &*(index % 50).to_string()));
        assert_eq!((text(events), numbered(events)), (answer, events.clone()));
    }
}
