//! A backup under load, and a deployment that goes on from it on a server that knows nothing.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use proto::v1::RunState;
use tokio::time::{Instant, sleep};

use super::{commands, facts};
use crate::{
    chaos::{cluster::Cluster, event_log, load::Load, pace::Pace},
    demo::api::Api,
    settings::Settings,
    token,
    up::databases,
};

const SEED: u64 = 20_261_123;
const RUNS: u64 = 400;
/// How many of them are asked before the backup begins.
const RUNS_BEFORE: u64 = 100;
/// How long what was under way may take to end.
const SETTLING: Duration = Duration::from_secs(120);
const QUESTION: &str = "SELECT count(*) FROM penguins";
const UNFINISHED: &str = "SELECT count(*) FROM runs WHERE ended_at IS NULL";

pub(super) async fn drill(cluster: &mut Cluster, loses_nats: bool) -> anyhow::Result<String> {
    cluster.start_pair().await?;
    event_log::await_stream(&cluster.nats_url()).await?;
    let load = Load::prepare(SEED, &cluster.grpc(), &cluster.setup.settings.jwt_secret).await?;
    let backup = tempfile::tempdir()?;
    let Backup { took, before } = back_up_under_load(cluster, &load, backup.path()).await?;
    let last_id = last_id(&load).context("no run was acknowledged")?;

    for child in &mut cluster.children {
        child.kill().await?;
    }
    cluster.lose_postgres().await?;
    if loses_nats {
        cluster.lose_nats().await?;
    }
    execute(cluster, "Restore", backup.path()).await?;
    let unfinished: i64 = cluster.database.value(UNFINISHED, &[]).await?;
    ensure!(unfinished > 0, "no run was under way when the backup was made");

    for index in 0..cluster.children.len() {
        cluster.replace(index).await?;
    }
    check_kept(cluster, &before).await?;
    let ended = "SELECT 1 WHERE NOT EXISTS (SELECT FROM runs WHERE ended_at IS NULL)";
    cluster.database.await_value::<i32>(ended, &[], SETTLING).await?;
    facts::check(&cluster.database).await?;
    let answered = ask_everyone(cluster, last_id).await?;
    let runs: i64 = cluster.database.value("SELECT count(*) FROM runs", &[]).await?;
    Ok(format!(
        "a backup under load took {took:?}; restored, {unfinished} runs that had been under way \
         came to their end, {runs} runs keep every promise, and {answered} users got an answer"
    ))
}

struct Backup {
    took: Duration,
    /// The messages that were there when it began.
    before: Vec<i64>,
}

/// The load outlasts the backup.
async fn back_up_under_load(
    cluster: &Cluster,
    load: &Arc<Load>,
    folder: &Path,
) -> anyhow::Result<Backup> {
    let pace = Pace::new(RUNS);
    let loading = async {
        load.run(&pace).await;
        anyhow::Ok(())
    };
    let backing_up = async {
        pace.release_up_to(RUNS_BEFORE);
        while load.facts.asked().len() < RUNS_BEFORE as usize / 2 {
            sleep(Duration::from_millis(20)).await;
        }
        pace.release_up_to(RUNS);
        let rows = cluster.database.rows("SELECT id FROM messages", &[]).await?;
        let before: Result<_, _> = rows.iter().map(|row| row.try_get(0)).collect();
        let began = Instant::now();
        execute(cluster, "Back up", folder).await?;
        anyhow::Ok(Backup { took: began.elapsed(), before: before? })
    };
    let ((), backup) = tokio::try_join!(loading, backing_up)?;
    Ok(backup)
}

async fn check_kept(cluster: &Cluster, messages: &[i64]) -> anyhow::Result<()> {
    ensure!(!messages.is_empty(), "nothing was said before the backup");
    let query = "SELECT count(*) FROM messages WHERE id = ANY ($1)";
    let kept: i64 = cluster.database.value(query, &[&messages]).await?;
    let lost = messages.len() as i64 - kept;
    ensure!(lost == 0, "{lost} of {} messages were lost", messages.len());
    Ok(())
}

fn last_id(load: &Load) -> Option<i64> {
    load.facts.asked().iter().flat_map(|asked| &asked.run_ids).max().copied()
}

async fn execute(cluster: &Cluster, heading: &str, folder: &Path) -> anyhow::Result<()> {
    let Settings { postgres_password, postgres_port, .. } = &cluster.setup.settings;
    let port = postgres_port.context("Postgres has no port")?;
    let variables = [
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", &port.to_string()),
        ("PGUSER", "postgres"),
        ("PGPASSWORD", postgres_password),
        ("DATABASE_URL", &databases::own(&cluster.setup.settings, port).operator),
    ];
    let programs = [cluster.postgres_programs(), cluster.setup.programs.migration.as_path()];
    let folders: Vec<_> = programs.iter().filter_map(|program| program.parent()).collect();
    commands::execute(heading, folder, &folders, &variables).await
}

/// Each user asks in an old session. No id may be one that was given out before.
async fn ask_everyone(cluster: &Cluster, last_id: i64) -> anyhow::Result<usize> {
    let query = "SELECT user_id, min(id) FROM chat_sessions GROUP BY user_id";
    let sessions = cluster.database.rows(query, &[]).await?;
    for session in &sessions {
        let token = token::for_user(&cluster.setup.settings.jwt_secret, session.try_get(0)?)?;
        let mut api = Api::connect(&cluster.grpc()[0], &token).await?;
        let run = api.ask(session.try_get(1)?, QUESTION).await?;
        ensure!(run.state() == RunState::Succeeded, "a question was not answered: {run:?}");
        ensure!(run.id > last_id, "run {} was given out before the restore as well", run.id);
    }
    Ok(sessions.len())
}
