//! Whether the database can be worked with.

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::{Database, Error, connect};

/// A way to the database beside the pool: a pool whose connections are all lent says
/// nothing about the database.
#[derive(Clone, Debug)]
pub struct Probe {
    db: Database,
}

impl Probe {
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Ok(Self { db: connect(url, 1).await? })
    }

    /// Whether the database answers, and takes writes: a standby does not.
    pub async fn answers(&self) -> bool {
        let sql = "SELECT current_setting('transaction_read_only') = 'off'";
        let row = self.db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
        matches!(row, Ok(Some(row)) if row.try_get_by_index(0).is_ok_and(|takes_writes| takes_writes))
    }
}
