//! Whatever nobody else has looked at in time is looked at by the sweep.

mod deleted;
mod outages;

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures::future;
use proto::v1::{self as pb, RunState};
use run_queue::Streams;
use session_service::{Runs, sweep};
use storage::{
    RunId,
    runs::{self, Due},
};
use tokio::time;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::harness::{Api, Harness, eventually};

/// More than the sweep takes at a time.
const BACKLOG: usize = 250;

/// Starts another sweep, as another instance of the service has one.
fn another_sweep(harness: &Harness) -> DropGuard {
    let shutdown = CancellationToken::new();
    let (db, nats, names) = (harness.db.clone(), harness.nats.clone(), harness.names.clone());
    let streams = Streams::new(nats.clone(), names.clone());
    let runs = Runs::new(db, nats, names, streams, shutdown.clone());
    tokio::spawn(sweep::runs(runs, shutdown.clone()));
    shutdown.drop_guard()
}

/// Starts so many runs, each in a session of its own.
async fn backlog(api: &Api, request: pb::StartRunRequest) -> Vec<pb::Run> {
    let agent_id = api.agent().await;
    let question = "SELECT 1".to_owned();
    let request = pb::StartRunRequest { agent_id, question, ..request };
    let started = (0..BACKLOG).map(async |_| {
        let response = api.runs.clone().start_run(request.clone()).await;
        response.expect("it is accepted").into_inner().run.expect("it was started")
    });
    future::join_all(started).await
}

#[tokio::test(flavor = "multi_thread")]
async fn three_sweeps_at_once_end_everything_once() {
    let harness = Harness::without_worker().await;
    let (_two, _three) = (another_sweep(&harness), another_sweep(&harness));
    let deadline = Some(prost_types::Duration { seconds: 6, nanos: 0 });
    let api = harness.api(1);
    let runs = backlog(&api, pb::StartRunRequest { deadline, ..Default::default() }).await;
    let due = Instant::now() + Duration::from_secs(6);

    eventually("all of them ending", async || {
        let sql = "SELECT count(*) FROM runs WHERE state = 'expired'";
        (harness.number(sql).await == BACKLOG as i64).then_some(())
    })
    .await;

    assert!(due.elapsed() < Duration::from_secs(5), "{:?}", due.elapsed());
    for run in runs {
        harness.assert_sound(run.session_id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_who_look_for_what_is_due_each_gets_others() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let expected: HashSet<RunId> =
        backlog(&api, Default::default()).await.iter().map(|run| RunId(run.id)).collect();
    harness.execute("UPDATE runs SET wake_at = now(), publications = 100").await;

    let taking = async || {
        let mut taken = Vec::new();
        loop {
            let due = runs::take_due(&harness.db, 7).await.expect("the database answers");
            if due.is_empty() {
                return taken;
            }
            taken.extend(due.into_iter().map(|due| match due {
                Due::Publish(wake_up) => wake_up.run_id,
                other => panic!("nothing else is due: {other:?}"),
            }));
        }
    };
    let taken = future::join_all((0..4).map(|_| taking())).await.concat();

    let distinct: HashSet<RunId> = taken.iter().copied().collect();
    assert_eq!(distinct.len(), taken.len(), "some were taken twice");
    assert!(distinct.is_subset(&expected));
    // The service's own sweep may have got some.
    let once = "SELECT count(*) FROM runs WHERE publications = 101";
    assert_eq!(harness.number(once).await, BACKLOG as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_waits_two_seconds_at_most_though_it_is_more_than_a_batch() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    backlog(&api, Default::default()).await;

    let due_at = Instant::now();
    harness.execute("UPDATE runs SET wake_at = now(), publications = 100").await;
    eventually("all of them being published", async || {
        let sql = "SELECT count(*) FROM runs WHERE publications = 101 AND now() < wake_at";
        (harness.number(sql).await == BACKLOG as i64).then_some(())
    })
    .await;

    assert!(due_at.elapsed() < Duration::from_secs(2), "{:?}", due_at.elapsed());
}

#[tokio::test]
async fn a_queue_that_nobody_moved_on_is_moved_on() {
    let (harness, worker) = Harness::start().await;
    worker.stop().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let first = api.start(session.id, "first").await;
    let second = api.start(session.id, "SELECT 2").await;
    // As no transaction of ours leaves it.
    let sql = format!(
        "UPDATE runs SET state = 'failed', ended_at = now(), wake_at = NULL WHERE id = {};
        UPDATE runs SET wake_at = now() WHERE id = {}",
        first.id, second.id
    );

    harness.execute(&sql).await;
    let _worker = harness.worker(model::Builtin, 1);

    let (second, answer) = api.wait(second.id).await;
    assert_eq!((second.state(), answer.content.as_str()), (RunState::Succeeded, "2"));
}

#[tokio::test]
async fn with_nothing_to_do_the_database_is_asked_less_than_ten_times_a_second() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    api.ask(session.id, "SELECT 1").await;
    let transactions = async || {
        let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database
            WHERE datname = current_database()";
        harness.number(sql).await
    };
    // A connection tells of what it did after ten seconds at the latest.
    time::sleep(Duration::from_secs(11)).await;

    // On a machine that is busy one may tell of the beginning even later. Calls that other
    // tests of the process drop have our connections asked whether they are free.
    let mut asked = Vec::new();
    while asked.len() < 3 && asked.last().is_none_or(|it| 100 <= *it) {
        let before = transactions().await;
        time::sleep(Duration::from_secs(10)).await;
        asked.push(transactions().await - before);
    }

    assert!(asked.last().is_some_and(|it| (1..100).contains(it)), "in 10 s each: {asked:?}");
}
