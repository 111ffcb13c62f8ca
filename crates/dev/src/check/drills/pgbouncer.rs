//! PgBouncer, as the system has it, between the services and their database: refused with a word
//! on what is wrong, or of use.

mod pair;
mod pooler;

use anyhow::{Context as _, ensure};

use self::{
    pair::Pair,
    pooler::{Pooler, Version},
};
use crate::{settings::Settings, stack::Stack};

/// What PgBouncer must be told to pass over in any version, as docs/operations.md says.
const IGNORED: &str = "ignore_startup_parameters = extra_float_digits, options";
const BY_TRANSACTION: &str = "pool_mode = transaction";
const BY_SESSION: &str = "pool_mode = session";
/// The first version that keeps prepared statements.
const KEEPS_STATEMENTS: Version = Version(1, 21);

pub(super) async fn drill(stack: &Stack, settings: &Settings) -> anyhow::Result<()> {
    let version = Version::installed()?;
    eprintln!("this is PgBouncer {version}");
    let pair = Pair::build(stack, settings).await?;

    with(&pair, &[BY_TRANSACTION], async |port| {
        let log = pair.refused_service(port).await?;
        says(&log, &["DATABASE_URL", "ignore_startup_parameters"])
    })
    .await?;
    // Without it, 1.21 and later are like the others.
    let without = [BY_TRANSACTION, IGNORED, "max_prepared_statements = 0"];
    let without = if version < KEEPS_STATEMENTS { &without[..2] } else { &without[..] };
    with(&pair, without, async |port| {
        let log = pair.refused_service(port).await?;
        says(&log, &["DATABASE_URL", "PgBouncer", "1.21", "max_prepared_statements"])?;
        let log = pair.refused_migration(port).await?;
        says(&log, &["DATABASE_URL", "pooler"])
    })
    .await?;
    with(&pair, &[BY_SESSION, IGNORED], async |port| pair.answers(port).await).await?;
    if version < KEEPS_STATEMENTS {
        eprintln!("this version keeps no prepared statements: that a later one does is not tried");
        return Ok(());
    }
    let kept = [BY_TRANSACTION, IGNORED, "max_prepared_statements = 100", "default_pool_size = 3"];
    with(&pair, &kept, async |port| pair.answers(port).await).await
}

/// Runs PgBouncer with these settings, and `work` with its port.
async fn with(
    pair: &Pair<'_>,
    settings: &[&str],
    work: impl AsyncFnOnce(u16) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    eprintln!("PgBouncer with {}", settings.join("; "));
    let pooler = Pooler::start(pair.settings, settings).await?;
    let result = work(pooler.port).await.with_context(|| settings.join("; "));
    pooler.stop().await?;
    result
}

fn says(log: &str, words: &[&str]) -> anyhow::Result<()> {
    for word in words {
        ensure!(log.contains(word), "the refusal does not say `{word}`:\n{log}");
    }
    Ok(())
}
