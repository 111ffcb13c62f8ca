//! From a stored data source to the way to it, and to what it holds.

mod snapshot;

use data_source::{
    DatasetStore, Pools, Sealer,
    source::{Reach, Source, Tls, UnknownSslMode},
};
use storage::{Database, entity::data_source::Model};

pub use snapshot::Snapshot;

/// Why a stored data source can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error(transparent)]
    DataSource(#[from] data_source::Error),
    /// The row is not as it was written.
    #[error("a stored data source can't be read")]
    Damaged(#[from] UnknownSslMode),
}

/// What it takes to reach data sources.
#[derive(Clone, Debug)]
pub struct Sources {
    pub db: Database,
    pub store: DatasetStore,
    pub sealer: Sealer,
    pub pools: Pools,
}

impl Sources {
    /// The way to a data source, with its password.
    pub fn source(&self, row: &Model) -> Result<Source, Error> {
        let sealed = row.sealed_password.as_deref().unwrap_or_default();
        let password = self.sealer.open(row.user_id.0, sealed)?;
        let Some(postgres) = row.postgres() else {
            return Ok(self.store.source(row.id.0, &password));
        };
        Ok(Source {
            host: postgres.host,
            port: postgres.port,
            database: postgres.database,
            user: postgres.username,
            password,
            tls: Tls { mode: postgres.ssl_mode.parse()?, ca_pem: postgres.ca_pem },
            reach: Reach::Public,
        })
    }
}
