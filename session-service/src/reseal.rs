//! Having all data sources' passwords sealed anew, with the first of the keys.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use bootstrap::{Log, Secret, report};
use clap::Args;
use data_source::{Sealer, sealing::key_of};
use storage::{
    DataSourceId, Database,
    data_sources::{self, Sealed},
};
use tokio_util::sync::CancellationToken;

/// How many rows are in memory at a time.
const BATCH: u64 = 200;
/// While there is a service that seals with another key, there may be ever more.
const MAX_PASSES: usize = 3;

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Tertulia's own Postgres database, as a postgres:// URL
    #[arg(long, env, hide_env_values = true)]
    pub database_url: Secret,

    /// As the services have them; the first seals anew what the others have sealed
    #[arg(long, env, hide_env_values = true)]
    pub sealing_keys: Secret,

    #[command(flatten)]
    pub log: Log,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub resealed: u64,
    /// How many are sealed with another key than the first, by its id.
    pub left: BTreeMap<u8, u64>,
    /// Those that none of the keys opens.
    pub unopened: Vec<DataSourceId>,
}

impl Outcome {
    /// Fails if a key other than the first can't be taken away now.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.unopened.is_empty(),
            "none of SEALING_KEYS opens the passwords of {} data sources; the ids are in the log",
            self.unopened.len()
        );
        ensure!(
            self.left.is_empty(),
            "passwords are still sealed with another key than the first of SEALING_KEYS (by the \
             key's id: {:?}); another service seals with it",
            self.left
        );
        Ok(())
    }
}

impl Options {
    pub fn check(&self) -> anyhow::Result<()> {
        bootstrap::check_database_url(&self.database_url)?;
        bootstrap::sealer(&self.sealing_keys).map(drop)
    }

    /// Seals all passwords anew that are not sealed with the first key.
    pub async fn run(&self) -> anyhow::Result<()> {
        let shutdown = bootstrap::shutdown_token()?;
        let sealer = bootstrap::sealer(&self.sealing_keys)?;
        let database_url = self.database_url.expose();
        storage::check_pooling(database_url).await.context("connecting to DATABASE_URL")?;
        let db = storage::connect(database_url, 1).await.context("connecting to DATABASE_URL")?;
        let Some(outcome) = reseal(&db, &sealer, &shutdown).await? else {
            bail!("stopped; started again, it goes on from here");
        };
        let key = sealer.first_key();
        tracing::info!(key, resealed = outcome.resealed, left = ?outcome.left, "passwords");
        outcome.check()
    }
}

/// Seals anew what another key than the first has sealed. It can be stopped, which `None` tells,
/// and started again at any time: what is done is not done again. A password that is changed
/// meanwhile stays as it was changed.
pub async fn reseal(
    db: &Database,
    sealer: &Sealer,
    shutdown: &CancellationToken,
) -> Result<Option<Outcome>, storage::Error> {
    let mut resealed = 0;
    for _ in 0..MAX_PASSES {
        let Some(replaced) = pass(db, sealer, shutdown).await? else { return Ok(None) };
        resealed += replaced;
        if replaced == 0 {
            break;
        }
    }
    let (left, unopened) = look(db, sealer).await?;
    Ok(Some(Outcome { resealed, left, unopened }))
}

/// Returns how many it has sealed anew, or that it was stopped.
async fn pass(
    db: &Database,
    sealer: &Sealer,
    shutdown: &CancellationToken,
) -> Result<Option<u64>, storage::Error> {
    let (mut replaced, mut last) = (0, DataSourceId(0));
    loop {
        let rows = data_sources::list_sealed(db, last, BATCH).await?;
        let Some(row) = rows.last() else { return Ok(Some(replaced)) };
        last = row.id;
        for row in rows.iter().filter(|row| !is_done(row, sealer)) {
            if shutdown.is_cancelled() {
                return Ok(None);
            }
            // Told of in the end.
            let Ok(password) = sealer.open(row.user_id.0, &row.sealed_password) else { continue };
            let anew = sealer.seal(row.user_id.0, &password);
            replaced += u64::from(data_sources::replace_sealed(db, row, anew).await?);
        }
    }
}

fn is_done(row: &Sealed, sealer: &Sealer) -> bool {
    key_of(&row.sealed_password) == Some(sealer.first_key())
}

/// How many are under which other key, and which of all can't be opened.
async fn look(
    db: &Database,
    sealer: &Sealer,
) -> Result<(BTreeMap<u8, u64>, Vec<DataSourceId>), storage::Error> {
    let (mut left, mut unopened, mut last) = (BTreeMap::new(), Vec::new(), DataSourceId(0));
    loop {
        let rows = data_sources::list_sealed(db, last, BATCH).await?;
        let Some(row) = rows.last() else { return Ok((left, unopened)) };
        last = row.id;
        for row in &rows {
            if let Err(error) = sealer.open(row.user_id.0, &row.sealed_password) {
                tracing::error!(data_source.id = %row.id, error = %report(&error), "not opened");
                unopened.push(row.id);
            }
            if !is_done(row, sealer) {
                *left.entry(key_of(&row.sealed_password).unwrap_or_default()).or_default() += 1;
            }
        }
    }
}
