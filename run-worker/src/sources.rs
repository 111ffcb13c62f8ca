//! From a stored data source to the way to it.

use anyhow::Context as _;
use data_source::{
    DatasetStore, Egress, Sealer,
    source::{Reach, Source, Tls},
};
use storage::entity::data_source::Model;

use crate::Error;

/// What it takes to reach data sources.
#[derive(Clone, Debug)]
pub struct Sources {
    store: DatasetStore,
    sealer: Sealer,
    pub(crate) egress: Egress,
}

impl Sources {
    pub fn new(store: DatasetStore, sealer: Sealer, egress: Egress) -> Self {
        Self { store, sealer, egress }
    }

    pub(crate) fn source(&self, row: &Model) -> Result<Source, Error> {
        let sealed = row.sealed_password.as_deref().context("a data source has a password")?;
        let password = self.sealer.open(row.user_id.0, sealed)?;
        let Some(postgres) = row.postgres() else {
            return Ok(self.store.source(row.id.0, &password));
        };
        let mode = postgres.ssl_mode.parse().context("an SSL mode is stored as it is printed")?;
        Ok(Source {
            host: postgres.host,
            port: postgres.port,
            database: postgres.database,
            user: postgres.username,
            password,
            tls: Tls { mode, ca_pem: postgres.ca_pem },
            reach: Reach::Public,
        })
    }
}
