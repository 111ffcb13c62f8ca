//! How much there is to be done, asked of Postgres and NATS every few seconds. Every instance
//! shows the same, or that it does not know: what one could not ask says nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bootstrap::report;
use metrics::{describe_gauge, gauge};
use run_queue::{StreamUse, Streams};
use storage::{
    Database,
    background::{self, Kind, Lag},
    runs::{self, Backlog},
    user_data,
};
use tokio::time::{self, MissedTickBehavior};

/// How often is asked.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How long NATS may take: the client would wait for it to come back.
const PATIENCE_WITH_NATS: Duration = Duration::from_secs(2);
/// How long Postgres may: a connection that has gone dead is noticed much later.
const PATIENCE_WITH_POSTGRES: Duration = ASK_EVERY;

const RUNS: &str = "tertulia_runs";
const OLDEST_RUN: &str = "tertulia_runs_oldest_wait_seconds";
const TASKS: &str = "tertulia_background_tasks";
const OLDEST_TASK: &str = "tertulia_background_tasks_oldest_wait_seconds";
const OLDEST_DELETION: &str = "tertulia_user_data_deletions_oldest_seconds";
const ASKED_AT: &str = "tertulia_queue_sampled_timestamp_seconds";
const STREAM_MESSAGES: &str = "tertulia_stream_messages";
const STREAM_BYTES: &str = "tertulia_stream_bytes";
const STREAM_MAX_BYTES: &str = "tertulia_stream_max_bytes";

/// The states of runs that wait, and those of the others.
const WAITING: [&str; 2] = ["queued", "claimable"];
const OTHERS: [&str; 3] = ["backing_off", "running", "cancelling"];

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
        OLDEST_DELETION,
        "For how long the oldest deletion of a user's data (DeleteUserData) has been there that is not \
         complete; 0: there is none."
    );
    describe_gauge!(
        ASKED_AT,
        "When this instance has last asked Postgres for these, as a Unix time. At first when it began \
         to ask; 0: not yet."
    );
    describe_gauge!(
        STREAM_MESSAGES,
        "Messages in a stream of NATS. Those in RUNS are wake-ups that no worker has acknowledged."
    );
    describe_gauge!(STREAM_BYTES, "Bytes in a stream of NATS.");
    describe_gauge!(STREAM_MAX_BYTES, "How many it may hold before the oldest go; 0: no bound.");
    gauge!(ASKED_AT).set(0);
    forget_database();
    forget_streams();
}

/// Shows how much there is to be done, for ever.
pub async fn watch_queue(db: Database, streams: Streams) {
    asked();
    let mut ticks = time::interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (database, usage) = tokio::join!(
            time::timeout(PATIENCE_WITH_POSTGRES, ask_database(&db)),
            time::timeout(PATIENCE_WITH_NATS, streams.usage()),
        );
        if !matches!(database, Ok(Ok(()))) {
            forget_database();
        }
        if let Ok(Err(error)) = database {
            tracing::debug!(error = %report(&error), "how much there is to be done is not known");
        }
        match usage {
            Ok(Ok(usage)) => usage.iter().for_each(show_stream),
            Ok(Err(_)) | Err(_) => forget_streams(),
        }
    }
}

async fn ask_database(db: &Database) -> Result<(), storage::Error> {
    show_runs(&runs::backlog(db).await?);
    for kind in Kind::ALL {
        let Lag { tasks, oldest } = background::lag(db, kind).await?;
        show_tasks(kind, tasks as f64, oldest.as_secs_f64());
    }
    gauge!(OLDEST_DELETION).set(user_data::oldest_unfinished(db).await?);
    asked();
    Ok(())
}

fn asked() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    gauge!(ASKED_AT).set(now.as_secs_f64());
}

/// What Postgres has said may not be so any more.
fn forget_database() {
    for state in WAITING {
        show_waiting(state, f64::NAN, f64::NAN);
    }
    for state in OTHERS {
        gauge!(RUNS, "state" => state).set(f64::NAN);
    }
    for kind in Kind::ALL {
        show_tasks(kind, f64::NAN, f64::NAN);
    }
    gauge!(OLDEST_DELETION).set(f64::NAN);
}

fn forget_streams() {
    for stream in StreamUse::STREAMS {
        for name in [STREAM_MESSAGES, STREAM_BYTES, STREAM_MAX_BYTES] {
            gauge!(name, "stream" => stream).set(f64::NAN);
        }
    }
}

fn show_runs(backlog: &Backlog) {
    let Backlog { queued, claimable, backing_off, running, cancelling } = *backlog;
    for (state, waiting) in WAITING.into_iter().zip([queued, claimable]) {
        show_waiting(state, waiting.runs as f64, waiting.oldest.as_secs_f64());
    }
    for (state, runs) in OTHERS.into_iter().zip([backing_off, running, cancelling]) {
        gauge!(RUNS, "state" => state).set(runs as f64);
    }
}

fn show_waiting(state: &'static str, runs: f64, oldest: f64) {
    gauge!(RUNS, "state" => state).set(runs);
    gauge!(OLDEST_RUN, "state" => state).set(oldest);
}

fn show_tasks(kind: Kind, tasks: f64, oldest: f64) {
    gauge!(TASKS, "kind" => kind.name()).set(tasks);
    gauge!(OLDEST_TASK, "kind" => kind.name()).set(oldest);
}

fn show_stream(usage: &StreamUse) {
    gauge!(STREAM_MESSAGES, "stream" => usage.stream).set(usage.messages as f64);
    gauge!(STREAM_BYTES, "stream" => usage.stream).set(usage.bytes as f64);
    gauge!(STREAM_MAX_BYTES, "stream" => usage.stream).set(usage.max_bytes.unwrap_or(0) as f64);
}
