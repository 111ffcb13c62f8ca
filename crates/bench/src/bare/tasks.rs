//! What the bare loop of a run leaves to be done beside it. The product's worker would do it in
//! the product's rounds.

use std::time::SystemTime;

use tokio_postgres::Client;

use crate::{data::connect, setup::Setup};

#[derive(Debug)]
pub(crate) struct Tasks {
    database: Client,
}

impl Tasks {
    pub(crate) async fn connect(setup: &Setup) -> anyhow::Result<Self> {
        Ok(Self { database: connect(&setup.postgres.url).await? })
    }

    /// Forgets those that were made since. Those from before are the product's own.
    pub(crate) async fn forget(&self, since: SystemTime) -> anyhow::Result<()> {
        let forget = "DELETE FROM background_tasks WHERE $1 <= created_at";
        self.database.execute(forget, &[&since]).await?;
        Ok(())
    }
}
