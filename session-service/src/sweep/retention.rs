//! What was kept for long enough goes, in pieces with a pause between them: whoever asks for
//! something comes first.

use std::time::Duration;

use storage::{AgentId, Database, Error, retention as purge};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::every;

/// What is kept for days is in no hurry.
const PERIOD: Duration = Duration::from_secs(60);
/// How many rows of a kind a piece has at most; of a run also what hangs on it.
const PIECE: i64 = 200;
const PAUSE: Duration = Duration::from_millis(20);

/// How long things are kept that have no time of their own.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// The rows that answers were given from; `None`: as long as the answers.
    pub results: Option<Duration>,
    /// Receipts of what users have had deleted.
    pub receipts: Duration,
}

/// Purges what is due, until `shutdown` is cancelled.
pub async fn retention(db: Database, kept: Retention, shutdown: CancellationToken) {
    let sweep = every(PERIOD, "retention", || sweep_all(&db, kept));
    shutdown.run_until_cancelled(sweep).await;
}

async fn sweep_all(db: &Database, kept: Retention) -> Result<u64, Error> {
    expire(db).await?;
    let mut done = each(|| sessions(db)).await?;
    if let Some(results) = kept.results {
        done += each(|| purge::purge_results(db, results, PIECE)).await?;
    }
    done += each(|| purge::purge_agents(db, PIECE)).await?;
    done += each(|| purge::purge_data_sources(db, PIECE)).await?;
    done += each(|| purge::purge_receipts(db, kept.receipts, PIECE)).await?;
    Ok(done)
}

/// What hangs on a session is not counted, but a piece of one that is long.
async fn sessions(db: &Database) -> Result<u64, Error> {
    let purged = purge::purge_sessions(db, None, PIECE).await?;
    let done = purged.sessions.max(purged.is_any().into());
    Ok(u64::try_from(done).unwrap_or_default())
}

/// Goes through all agents that keep their conversations for a time.
async fn expire(db: &Database) -> Result<(), Error> {
    let mut after = AgentId(0);
    loop {
        let page = purge::expire(db, after).await?;
        match page.last {
            // There may be more of the same agents.
            Some(_) if page.hidden > 0 => time::sleep(PAUSE).await,
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

async fn each<F>(mut purge: impl FnMut() -> F) -> Result<u64, Error>
where
    F: Future<Output = Result<u64, Error>>,
{
    let mut done = 0;
    loop {
        match purge().await? {
            0 => return Ok(done),
            purged => done += purged,
        }
        time::sleep(PAUSE).await;
    }
}
