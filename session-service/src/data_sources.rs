//! Data sources: stored with us, and contacted.

use std::fs::File;

use anyhow::Context as _;
use data_source::{
    DatasetStore, Egress, Schema, Sealer,
    dataset::{Import, Imported},
    introspect,
    sealing::random_password,
    source::{Reach, Source, Tls},
};
use storage::{
    DataSourceId, DatabaseConnection, UserId,
    data_sources::{self, Changes, New, Postgres},
    entity::data_source::{Kind, Model},
    page::Page,
};

use crate::Error;

#[derive(Clone, Debug)]
pub struct DataSources {
    db: DatabaseConnection,
    store: DatasetStore,
    sealer: Sealer,
    egress: Egress,
}

/// The way to a Postgres database, and its password where one is given.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub postgres: Postgres,
    pub password: Option<String>,
}

/// A CSV file that was received, and what to make of it.
#[derive(Debug)]
pub(crate) struct Upload {
    pub table: String,
    pub delimiter: u8,
    pub null_markers: Vec<String>,
    pub replace: bool,
    pub file: File,
}

impl DataSources {
    pub fn new(
        db: DatabaseConnection,
        store: DatasetStore,
        sealer: Sealer,
        egress: Egress,
    ) -> Self {
        Self { db, store, sealer, egress }
    }

    /// Creates a data source: a data set if no `access` is given.
    pub(crate) async fn create(
        &self,
        user_id: UserId,
        name: String,
        access: Option<Access>,
    ) -> Result<Model, Error> {
        let id = data_sources::next_id(&self.db).await?;
        let (password, postgres) = match access {
            Some(access) => (access.password.unwrap_or_default(), Some(access.postgres)),
            None => {
                let password = random_password();
                self.store.ensure(id.0, &password).await?;
                (password, None)
            }
        };
        let sealed_password = self.sealer.seal(user_id.0, &password);
        let new = New { id, name, sealed_password, postgres };
        Ok(data_sources::insert(&self.db, user_id, new).await?)
    }

    pub(crate) async fn get(&self, user_id: UserId, id: DataSourceId) -> Result<Model, Error> {
        Ok(data_sources::get(&self.db, user_id, id).await?)
    }

    pub(crate) async fn list(
        &self,
        user_id: UserId,
        before: Option<DataSourceId>,
        limit: u64,
    ) -> Result<Page<Model, DataSourceId>, Error> {
        Ok(data_sources::list(&self.db, user_id, before, limit).await?)
    }

    pub(crate) async fn update(
        &self,
        user_id: UserId,
        id: DataSourceId,
        name: Option<String>,
        access: Option<Access>,
    ) -> Result<Model, Error> {
        let mut changes = Changes { name, ..Changes::default() };
        if let Some(access) = access {
            let stored = data_sources::get(&self.db, user_id, id).await?;
            let Some(old) = stored.postgres() else {
                return Err(Error::invalid("postgres", "the data source is a data set"));
            };
            if access.password.is_none() && !is_same_login(&old, &access.postgres) {
                let problem = "must be given again when host, port, database or user change";
                return Err(Error::invalid("postgres.password", problem));
            }
            changes.sealed_password = access.password.map(|it| self.sealer.seal(user_id.0, &it));
            changes.postgres = Some(access.postgres);
        }
        Ok(data_sources::update(&self.db, user_id, id, changes).await?)
    }

    pub(crate) async fn delete(&self, user_id: UserId, id: DataSourceId) -> Result<(), Error> {
        Ok(data_sources::delete(&self.db, user_id, id).await?)
    }

    /// Reads a data source's tables, and keeps what was read for its agents.
    pub(crate) async fn schema(&self, user_id: UserId, id: DataSourceId) -> Result<Schema, Error> {
        let row = data_sources::get(&self.db, user_id, id).await?;
        let schema = introspect(&self.source(&row)?, &self.egress).await?;
        let snapshot = serde_json::to_value(&schema).context("a schema is JSON")?;
        data_sources::store_schema(&self.db, user_id, id, snapshot).await?;
        Ok(schema)
    }

    /// Says whether CSV can be imported, before any of it is received.
    pub(crate) async fn check_import(
        &self,
        user_id: UserId,
        id: DataSourceId,
    ) -> Result<(), Error> {
        match data_sources::get(&self.db, user_id, id).await?.kind {
            Kind::Dataset => Ok(()),
            Kind::Postgres => Err(Error::invalid("table.data_source_id", "is not a data set")),
        }
    }

    pub(crate) async fn import(
        &self,
        user_id: UserId,
        id: DataSourceId,
        upload: Upload,
    ) -> Result<Imported, Error> {
        let Upload { table, delimiter, null_markers, replace, file } = upload;
        let import = Import { table, delimiter, null_markers, replace, file };
        let imported = self.store.import(id.0, import).await?;
        self.schema(user_id, id).await?;
        Ok(imported)
    }

    fn source(&self, row: &Model) -> Result<Source, Error> {
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

fn is_same_login(old: &Postgres, new: &Postgres) -> bool {
    let login =
        |it: &Postgres| (it.host.clone(), it.port, it.database.clone(), it.username.clone());
    login(old) == login(new)
}
