use std::collections::HashMap;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures::{TryStreamExt as _, pin_mut};
use tokio::task::AbortHandle;
use tokio_postgres::{Client, Config, NoTls, Statement, types::Type};

use super::{
    raw::{Parameter, Returned},
    rows::Rows,
};

/// A role's connection to a database, with the statements that were prepared on it.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    prepared: HashMap<String, Statement>,
    driver: AbortHandle,
}

/// A value that is wanted of the rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) slot: usize,
    pub(super) row: usize,
    pub(super) column: usize,
}

/// What a statement has returned: the values that were wanted of it, by their slots.
pub(super) type Taken = Vec<(usize, Option<Bytes>)>;

impl Connection {
    /// Logs in as the user of `server`, a superuser, who then is `user`.
    pub(super) async fn open(server: &Config, database: &str, user: &str) -> anyhow::Result<Self> {
        let (client, connection) = server.clone().dbname(database).connect(NoTls).await?;
        let driver = tokio::spawn(async move {
            // Whoever waits for an answer gets the error.
            let _ = connection.await;
        });
        let user = user.replace('"', "\"\"");
        client.batch_execute(&format!("SET SESSION AUTHORIZATION \"{user}\"")).await?;
        Ok(Self { client, prepared: HashMap::new(), driver: driver.abort_handle() })
    }

    /// Prepares a statement, unless it is.
    pub(super) async fn prepare(&mut self, sql: &str, types: &[Type]) -> anyhow::Result<Statement> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare_typed(sql, types).await;
        let statement = statement.with_context(|| format!("preparing {sql}"))?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) async fn query_simply(&self, sql: &str) -> anyhow::Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    pub(super) async fn execute(
        &self,
        statement: &Statement,
        parameters: Vec<Parameter>,
        wanted: &[Wanted],
        expected: Rows,
    ) -> anyhow::Result<Taken> {
        let rows = self.client.query_raw(statement, parameters).await?;
        pin_mut!(rows);
        let (mut taken, mut index) = (Taken::with_capacity(wanted.len()), 0);
        while let Some(row) = rows.try_next().await? {
            for it in wanted.iter().filter(|it| it.row == index) {
                let Returned(value) = row.try_get(it.column)?;
                taken.push((it.slot, value));
            }
            index += 1;
        }
        let affected = rows.rows_affected();
        ensure!(
            expected.allows(affected),
            "{} rows, not {expected} as recorded",
            affected.unwrap_or_default()
        );
        ensure!(taken.len() == wanted.len(), "rows are missing");
        Ok(taken)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
