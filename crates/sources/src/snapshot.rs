//! What data sources hold, as it was last read.

use chrono::{DateTime, Utc};
use data_source::{Samples, Schema};
use storage::{
    data_sources,
    entity::{agent, data_source::Model},
};

use crate::{Error, Sources};

/// What a data source holds, and when that was read.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub schema: Schema,
    /// Rises whenever the tables, or the way to them, have changed.
    pub version: i64,
    pub read_at: DateTime<Utc>,
    /// The way that it was read on.
    row: Model,
}

impl Snapshot {
    /// What was last read; `None` if nothing was, or by a release that wrote it
    /// otherwise.
    fn of(mut row: Model) -> Option<Self> {
        let schema = serde_json::from_value(row.schema_snapshot.take()?).ok()?;
        Some(Self { schema, version: row.schema_version, read_at: row.schema_read_at?, row })
    }
}

impl Sources {
    /// What a data source holds: as it was last read, or read now.
    pub async fn schema(&self, row: &Model) -> Result<Snapshot, Error> {
        match Snapshot::of(row.clone()) {
            Some(snapshot) => Ok(snapshot),
            None => self.read_schema(row).await,
        }
    }

    /// What the model of an agent on this data source sees of it.
    pub async fn schema_of_agent(
        &self,
        agent: &agent::Model,
        row: &Model,
    ) -> Result<Snapshot, Error> {
        let mut snapshot = self.schema(row).await?;
        if agent.sample_values {
            let samples = self.samples(&snapshot).await?;
            snapshot.schema = snapshot.schema.with_samples(&samples);
        }
        snapshot.schema = snapshot.schema.narrowed_to(&agent.table_allow_list);
        Ok(snapshot)
    }

    /// Reads what a data source holds, and keeps it.
    pub async fn read_schema(&self, row: &Model) -> Result<Snapshot, Error> {
        let mut row = row.clone();
        loop {
            let schema = self.pools.introspect(&self.source(&row)?).await?;
            let snapshot = serde_json::to_value(&schema).expect("its keys are all texts");
            let stored = data_sources::store_schema(&self.db, &row, snapshot).await?;
            if let Some(snapshot) = stored.and_then(Snapshot::of) {
                return Ok(snapshot);
            }
            // Someone has changed it meanwhile, or has read something else: which of
            // the two is older can't be told.
            row = data_sources::get(&self.db, row.user_id, row.id).await?;
        }
    }

    /// Values of the columns: as they were last read, or read now.
    async fn samples(&self, snapshot: &Snapshot) -> Result<Samples, Error> {
        let kept = snapshot.row.sample_values.clone();
        if let Some(samples) = kept.and_then(|it| serde_json::from_value(it).ok()) {
            return Ok(samples);
        }
        let source = self.source(&snapshot.row)?;
        let samples = self.pools.samples(&source, &snapshot.schema).await?;
        let json = serde_json::to_value(&samples).expect("its keys are all texts");
        data_sources::store_samples(&self.db, &snapshot.row, json).await?;
        Ok(samples)
    }
}
