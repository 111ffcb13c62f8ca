//! A rolling restart under 200 requests a second.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tokio::time::{Instant, sleep};

use super::{
    facts,
    traffic::{self, Answer, Caller},
};
use crate::{
    chaos::{child::Program, cluster::Cluster, event_log, load::Load},
    token,
};

const SEED: u64 = 200;
/// Without a restart, before and after.
const CALM: Duration = Duration::from_secs(5);
const SETTLING: Duration = Duration::from_secs(60);

pub(super) async fn drill(cluster: &mut Cluster) -> anyhow::Result<String> {
    cluster.start_pair().await?;
    event_log::await_stream(&cluster.nats_url()).await?;
    // Users, data and sessions.
    Load::prepare(SEED, &cluster.grpc(), &cluster.setup.settings.jwt_secret).await?;
    let callers = callers(cluster).await?;
    let over = AtomicBool::new(false);
    let began = Instant::now();
    let restarting = async {
        let restarted = restart_all(cluster).await;
        over.store(true, Ordering::Relaxed);
        restarted
    };
    let (answers, restarted) = tokio::join!(traffic::call(&callers, &over), restarting);
    let seconds = began.elapsed().as_secs_f64();
    restarted?;
    let runs = acknowledged(&answers)?;
    let ended = "SELECT 1 WHERE NOT EXISTS (SELECT FROM runs WHERE ended_at IS NULL)";
    cluster.database.await_value::<i32>(ended, &[], SETTLING).await?;
    check(cluster, &runs).await?;
    Ok(report(&answers, &runs, seconds))
}

async fn callers(cluster: &Cluster) -> anyhow::Result<Vec<Caller>> {
    let rows = cluster.database.rows("SELECT user_id, id FROM chat_sessions", &[]).await?;
    let callers = rows.iter().map(|row| {
        let token = token::for_user(&cluster.setup.settings.jwt_secret, row.try_get(0)?)?;
        let ways = traffic::ways(&cluster.grpc(), &token)?;
        Ok(Caller { ways, session_id: row.try_get(1)? })
    });
    callers.collect()
}

/// One after the other, as a Deployment does, and each but when the one before is back.
async fn restart_all(cluster: &mut Cluster) -> anyhow::Result<()> {
    sleep(CALM).await;
    for program in [Program::RunWorker, Program::SessionService] {
        for index in cluster.indices(program) {
            let name = cluster.children[index].name();
            eprintln!("restarting {name} ...");
            let well = cluster.children[index].drain().await?;
            ensure!(well, "{name} was told to end, and did not do so well or in time");
            cluster.replace(index).await?;
        }
    }
    sleep(CALM).await;
    Ok(())
}

/// The runs that were begun. No request may have failed for good.
fn acknowledged(answers: &[Answer]) -> anyhow::Result<Vec<i64>> {
    let mut runs = Vec::new();
    for answer in answers {
        runs.extend(answer.result.clone().context("a request failed")?);
    }
    Ok(runs)
}

async fn check(cluster: &Cluster, runs: &[i64]) -> anyhow::Result<()> {
    let query = "SELECT format('run %s: %s, %s attempts, %s messages', id, r.state, r.attempts,
            (SELECT count(*) FROM messages m WHERE m.run_id = r.id))
        FROM unnest($1::bigint[]) AS id LEFT JOIN runs r USING (id)
        WHERE r.state IS DISTINCT FROM 'succeeded' OR r.attempts <> 1
            OR 2 <> (SELECT count(*) FROM messages m WHERE m.run_id = r.id)";
    let wrong = cluster.database.rows(query, &[&runs]).await?;
    let wrong: Result<Vec<String>, _> = wrong.iter().map(|row| row.try_get(0)).collect();
    let wrong = wrong?;
    ensure!(wrong.is_empty(), "{} runs of {}:\n{}", wrong.len(), runs.len(), wrong.join("\n"));
    facts::check(&cluster.database).await
}

fn report(answers: &[Answer], runs: &[i64], seconds: f64) -> String {
    let mut took: Vec<_> = answers.iter().map(|answer| answer.took).collect();
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    format!(
        "every process was restarted under {:.0} requests a second, {} in all: none failed; {} runs \
         succeeded, each at its first attempt, with both messages; answers after {:?} (p50), {:?} \
         (p99), {:?} (the longest)",
        answers.len() as f64 / seconds,
        answers.len(),
        runs.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    )
}
