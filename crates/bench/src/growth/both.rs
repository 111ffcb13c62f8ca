//! A pair on the data as it was before, and one on ten times as much.

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    about::of_data,
    cases::Case,
    context::{Context, Plan},
    data::{self, Data, Scale, connect},
    measure::Side,
    report::Report,
    runs::without_embedder,
    setup::Setup,
    starts::Mark,
    suite::Sides,
};

/// What was there before is kept in a database of its own, and both are measured in turn.
const BEFORE: &str = "tertulia_before";

#[derive(Debug)]
pub(super) struct Both {
    pub(super) before: Context,
    pub(super) after: Context,
}

impl Both {
    /// With as many vectors as before, for ten times as many take too long to index; and without
    /// an embedder, which would work for one while the other is measured.
    pub(super) async fn start(
        setup: &Setup,
        data: &Arc<Data>,
        (plan, scale): (Plan, Scale),
        report: &mut Report,
    ) -> anyhow::Result<Self> {
        let setup = without_embedder(setup);
        eprintln!("filling the database with ten times as much ...");
        // The new users have nothing but what was loaded for them, either.
        Mark::of(&setup, data).await?.clear(&setup).await.context("taking new sessions away")?;
        let before = copy(&setup).await.context("copying the database")?;
        data::freshen(&before).await.context("freshening the copy")?;
        let loaded = data::grow(&setup, data, scale).await?;
        report.say("ten times as much", of_data(&loaded.data));
        report.say("ten times as much, filled in", format!("{:.1?}", loaded.took));
        let before = Context::start(before, Arc::clone(data), plan).await?;
        let after = Context::start(setup, Arc::new(loaded.data), plan).await?;
        Ok(Self { before, after })
    }

    /// Callers of each.
    pub(super) fn sides(&self, case: &Arc<dyn Case>) -> [Side; 2] {
        [&self.before, &self.after].map(|context| Sides::of(context, case, None).product)
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.before.pair.stop().await?;
        self.after.pair.stop().await
    }
}

/// A pair on a copy of the database. Nobody else may be connected to it meanwhile.
async fn copy(setup: &Setup) -> anyhow::Result<Setup> {
    const DISCONNECT: &str = "
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = $1 AND backend_type = 'client backend'";
    let server = setup.beside("postgres")?.postgres.url;
    let client = connect(&server).await?;
    let (_, database) = setup.postgres.url.rsplit_once('/').context("the URL names no database")?;
    client.query(DISCONNECT, &[&database]).await?;
    let create = format!("CREATE DATABASE {BEFORE} TEMPLATE {database} STRATEGY FILE_COPY");
    client.batch_execute(&create).await?;
    setup.beside(BEFORE)
}
