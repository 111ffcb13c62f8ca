//! Data sources: stored with us, and contacted.

use std::fs::File;

use anyhow::anyhow;
use bootstrap::report;
use data_source::{
    Probe, Sealer,
    dataset::{self, Import, Imported},
    sealing::random_password,
};
use sources::{Snapshot, Sources};
use storage::{
    AgentId, DataSourceId, UserId, agents,
    data_sources::{self, Changes, Postgres},
    entity::data_source::{Kind, Model},
    idempotency::Request,
    page::Page,
};
use tracing::Instrument as _;

use crate::{Error, door::Slot};

#[derive(Clone, Debug)]
pub struct DataSources {
    sources: Sources,
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
    pub request: Option<dataset::Request>,
    pub file: File,
}

impl DataSources {
    pub fn new(sources: Sources) -> Self {
        Self { sources }
    }

    /// What seals passwords.
    pub(crate) fn sealer(&self) -> &Sealer {
        &self.sources.sealer
    }

    pub(crate) async fn create_postgres(
        &self,
        user_id: UserId,
        request: Option<&Request>,
        name: String,
        access: Access,
    ) -> Result<Model, Error> {
        let password = access.password.unwrap_or_default();
        let sealed = self.sources.sealer.seal(user_id.0, &password);
        let db = &self.sources.db;
        Ok(data_sources::insert(db, user_id, request, name, sealed, access.postgres).await?)
    }

    /// Creates an empty data set. In a task of its own: a caller who goes away
    /// half-way would leave its schema and role to the sweep.
    pub(crate) async fn create_dataset(
        &self,
        user_id: UserId,
        request: Option<Request>,
        name: String,
    ) -> Result<Model, Error> {
        let Sources { db, store, sealer, .. } = self.sources.clone();
        let slot = Slot::current()?;
        let creating = async move {
            let _slot = slot;
            if let Some(request) = &request
                && let Some(made) = data_sources::find_made(&db, user_id, request).await?
            {
                return Ok(made);
            }
            let password = random_password();
            let sealed = sealer.seal(user_id.0, &password);
            let reserved = data_sources::reserve_dataset(&db, user_id, name, sealed).await?;
            store.ensure(reserved.id.0, &password).await?;
            Ok(data_sources::reveal_dataset(&db, request.as_ref(), &reserved).await?)
        };
        let created = tokio::spawn(creating.in_current_span());
        created.await.map_err(|_| anyhow!("creating a data set panicked"))?
    }

    pub(crate) async fn get(&self, user_id: UserId, id: DataSourceId) -> Result<Model, Error> {
        Ok(data_sources::get(&self.sources.db, user_id, id).await?)
    }

    pub(crate) async fn list(
        &self,
        user_id: UserId,
        before: Option<DataSourceId>,
        limit: u64,
    ) -> Result<Page<Model, DataSourceId>, Error> {
        Ok(data_sources::list(&self.sources.db, user_id, before, limit).await?)
    }

    pub(crate) async fn update(
        &self,
        user_id: UserId,
        request: Option<&Request>,
        id: DataSourceId,
        name: Option<String>,
        access: Option<Access>,
    ) -> Result<Model, Error> {
        let (postgres, password) = match access {
            Some(access) => (Some(access.postgres), access.password),
            None => (None, None),
        };
        let sealed_password = password.map(|it| self.sources.sealer.seal(user_id.0, &it));
        let changes = Changes { name, postgres, sealed_password };
        Ok(data_sources::update(&self.sources.db, user_id, request, id, changes).await?)
    }

    pub(crate) async fn delete(
        &self,
        user_id: UserId,
        request: Option<&Request>,
        id: DataSourceId,
    ) -> Result<(), Error> {
        Ok(data_sources::delete(&self.sources.db, user_id, request, id).await?)
    }

    /// What a data source holds, or what an agent's model sees of it.
    pub(crate) async fn schema(
        &self,
        user_id: UserId,
        id: DataSourceId,
        agent_id: Option<AgentId>,
    ) -> Result<Snapshot, Error> {
        let db = &self.sources.db;
        let row = data_sources::get(db, user_id, id).await?;
        let Some(agent_id) = agent_id else {
            Slot::current()?.wait()?;
            return Ok(self.sources.schema(&row).await?);
        };
        let agent = agents::get(db, user_id, agent_id).await?;
        if agent.data_source_id != id {
            return Err(Error::invalid("agent_id", "reads from another data source"));
        }
        Slot::current()?.wait()?;
        Ok(self.sources.schema_of_agent(&agent, &row).await?)
    }

    /// Reads what a data source holds, as its agents see it from then on.
    pub(crate) async fn refresh_schema(
        &self,
        user_id: UserId,
        id: DataSourceId,
    ) -> Result<Snapshot, Error> {
        let row = data_sources::get(&self.sources.db, user_id, id).await?;
        Slot::current()?.wait()?;
        Ok(self.sources.read_schema(&row).await?)
    }

    /// Logs in to a data source, and looks at what its role can do. A superuser is
    /// refused unless it is expected.
    pub(crate) async fn test(
        &self,
        user_id: UserId,
        id: DataSourceId,
        allow_superuser: bool,
    ) -> Result<Probe, Error> {
        let row = data_sources::get(&self.sources.db, user_id, id).await?;
        Slot::current()?.wait()?;
        let probe = self.sources.pools.probe(&self.sources.source(&row)?).await?;
        if probe.is_superuser && !allow_superuser {
            return Err(Error::Superuser);
        }
        Ok(probe)
    }

    /// Says whether CSV can be imported, before any of it is received.
    pub(crate) async fn check_import(
        &self,
        user_id: UserId,
        id: DataSourceId,
    ) -> Result<(), Error> {
        match data_sources::get(&self.sources.db, user_id, id).await?.kind {
            Kind::Dataset => Ok(()),
            Kind::Postgres => Err(Error::invalid("table.data_source_id", "is not a data set")),
        }
    }

    /// Imports a file. In a task of its own: if a caller went away after the
    /// import, agents would not know of the table.
    pub(crate) async fn import(
        &self,
        user_id: UserId,
        id: DataSourceId,
        upload: Upload,
    ) -> Result<Imported, Error> {
        let (this, slot) = (self.clone(), Slot::current()?);
        let importing = async move {
            let _slot = slot;
            this.import_all(user_id, id, upload).await
        };
        let imported = tokio::spawn(importing.in_current_span());
        imported.await.map_err(|_| anyhow!("an import panicked"))?
    }

    async fn import_all(
        &self,
        user_id: UserId,
        id: DataSourceId,
        upload: Upload,
    ) -> Result<Imported, Error> {
        let Upload { table, delimiter, null_markers, replace, request, file } = upload;
        let import = Import { table, delimiter, null_markers, replace, request, file };
        let imported = self.sources.store.import(id.0, import).await;
        // Whatever went wrong: if the data set was deleted meanwhile, that is why.
        let row = data_sources::forget_schema(&self.sources.db, user_id, id).await?;
        let imported = imported?;
        // The table is there; whoever needs the schema next reads it otherwise.
        if let Err(error) = self.sources.read_schema(&row).await {
            tracing::warn!(error = %report(&error), "a schema was not read");
        }
        Ok(imported)
    }
}
