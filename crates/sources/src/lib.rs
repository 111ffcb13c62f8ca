//! From a stored data source to the way to it, and to what it holds.

use data_source::{
    DatasetStore, Egress, Schema, Sealer,
    source::{Reach, Source, Tls, UnknownSslMode},
};
use storage::{DatabaseConnection, data_sources, entity::data_source::Model};

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
    pub db: DatabaseConnection,
    pub store: DatasetStore,
    pub sealer: Sealer,
    pub egress: Egress,
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

    /// What a data source holds: as it was last read, or read now.
    pub async fn schema(&self, row: &Model) -> Result<Schema, Error> {
        // One that another release wrote is read anew like one that is missing.
        let snapshot = row.schema_snapshot.clone().and_then(|it| serde_json::from_value(it).ok());
        match snapshot {
            Some(schema) => Ok(schema),
            None => self.read_schema(row).await,
        }
    }

    /// Reads what a data source holds, and keeps it unless the data source was
    /// changed meanwhile.
    pub async fn read_schema(&self, row: &Model) -> Result<Schema, Error> {
        let schema = data_source::introspect(&self.source(row)?, &self.egress).await?;
        match serde_json::to_value(&schema) {
            Ok(snapshot) => data_sources::store_schema(&self.db, row, snapshot).await?,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a schema is not JSON");
            }
        }
        Ok(schema)
    }
}
