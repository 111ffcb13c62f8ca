//! How much there is to be done, asked of Postgres and NATS every few seconds. Every instance
//! shows the same.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bootstrap::report;
use metrics::{describe_gauge, gauge};
use run_queue::{StreamUse, Streams};
use storage::{
    DatabaseConnection,
    background::{self, Kind},
    runs::{self, Backlog, Waiting},
};
use tokio::time::{self, MissedTickBehavior};

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How long NATS may take: the client would wait for it to come back.
const PATIENCE: Duration = Duration::from_secs(2);

const RUNS: &str = "tertulia_runs";
const OLDEST_RUN: &str = "tertulia_runs_oldest_wait_seconds";
const TASKS: &str = "tertulia_background_tasks";
const OLDEST_TASK: &str = "tertulia_background_tasks_oldest_wait_seconds";
const ASKED_AT: &str = "tertulia_queue_sampled_timestamp_seconds";
const STREAM_MESSAGES: &str = "tertulia_stream_messages";
const STREAM_BYTES: &str = "tertulia_stream_bytes";
const STREAM_MAX_BYTES: &str = "tertulia_stream_max_bytes";

pub(super) fn register() {
    describe_gauge!(
        RUNS,
        "Unfinished runs of all instances: queued (behind another of their session), claimable (a \
         worker is to take them), backing_off (between two attempts), running, cancelling."
    );
    describe_gauge!(OLDEST_RUN, "For how long the oldest of these runs has been in this state.");
    describe_gauge!(
        TASKS,
        "Messages to be embedded (embed) and sessions to be summed up (summarize)."
    );
    describe_gauge!(OLDEST_TASK, "For how long the oldest of these tasks has been there.");
    describe_gauge!(
        ASKED_AT,
        "When this instance has last asked Postgres for these, as a Unix time."
    );
    describe_gauge!(
        STREAM_MESSAGES,
        "Messages in a stream of NATS. Those in RUNS are wake-ups that no worker has acknowledged."
    );
    describe_gauge!(STREAM_BYTES, "Bytes in a stream of NATS.");
    describe_gauge!(STREAM_MAX_BYTES, "How many it may hold before the oldest go; 0: no bound.");
    show_runs(&Backlog::default());
    for kind in Kind::ALL {
        show_tasks(kind, 0, Duration::ZERO);
    }
    gauge!(ASKED_AT).set(0);
    for stream in StreamUse::STREAMS {
        show_stream(&StreamUse { stream, messages: 0, bytes: 0, max_bytes: None });
    }
}

/// Shows how much there is to be done, for ever. What can't be asked stays as it was.
pub async fn watch_queue(db: DatabaseConnection, streams: Streams) {
    let mut ticks = time::interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = ask_database(&db).await {
            tracing::debug!(error = %report(&error), "how much there is to be done is not known");
        }
        if let Ok(Ok(usage)) = time::timeout(PATIENCE, streams.usage()).await {
            usage.iter().for_each(show_stream);
        }
    }
}

async fn ask_database(db: &DatabaseConnection) -> Result<(), storage::Error> {
    show_runs(&runs::backlog(db).await?);
    for kind in Kind::ALL {
        let lag = background::lag(db, kind).await?;
        show_tasks(kind, lag.tasks, lag.oldest);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    gauge!(ASKED_AT).set(now.as_secs_f64());
    Ok(())
}

fn show_runs(backlog: &Backlog) {
    let Backlog { queued, claimable, backing_off, running, cancelling } = *backlog;
    for (state, Waiting { runs, oldest }) in [("queued", queued), ("claimable", claimable)] {
        gauge!(RUNS, "state" => state).set(runs as f64);
        gauge!(OLDEST_RUN, "state" => state).set(oldest);
    }
    for (state, runs) in
        [("backing_off", backing_off), ("running", running), ("cancelling", cancelling)]
    {
        gauge!(RUNS, "state" => state).set(runs as f64);
    }
}

fn show_tasks(kind: Kind, tasks: i64, oldest: Duration) {
    gauge!(TASKS, "kind" => kind.name()).set(tasks as f64);
    gauge!(OLDEST_TASK, "kind" => kind.name()).set(oldest);
}

fn show_stream(usage: &StreamUse) {
    gauge!(STREAM_MESSAGES, "stream" => usage.stream).set(usage.messages as f64);
    gauge!(STREAM_BYTES, "stream" => usage.stream).set(usage.bytes as f64);
    gauge!(STREAM_MAX_BYTES, "stream" => usage.stream).set(usage.max_bytes.unwrap_or(0) as f64);
}
