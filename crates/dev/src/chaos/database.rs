//! The harness's own way into Tertulia's database, as superuser and past all proxies. It comes
//! back by itself after a restart of Postgres.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tokio_postgres::{Client, Row, types::ToSql};

use crate::servers::postgres;

const POLL: Duration = Duration::from_millis(2);
const RETRY: Duration = Duration::from_millis(50);
/// How long Postgres may be away.
const PATIENCE: Duration = Duration::from_secs(90);

pub(super) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

#[derive(Debug)]
pub(super) struct Database {
    url: String,
    client: Mutex<Option<Arc<Client>>>,
}

impl Database {
    pub(super) fn new(url: String) -> Self {
        Self { url, client: Mutex::default() }
    }

    /// Executes statements, all or none of them; again if the connection is lost meanwhile, even
    /// if they were committed just before.
    pub(super) async fn execute(&self, statements: &str) -> anyhow::Result<()> {
        self.insist(async |client| client.batch_execute(statements).await).await
    }

    pub(super) async fn rows(
        &self,
        query: &str,
        parameters: Parameters<'_>,
    ) -> anyhow::Result<Vec<Row>> {
        self.insist(async |client| client.query(query, parameters).await).await
    }

    /// The first column of the only row.
    pub(super) async fn value<T>(
        &self,
        query: &str,
        parameters: Parameters<'_>,
    ) -> anyhow::Result<T>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let rows = self.rows(query, parameters).await?;
        Ok(rows.first().context("no row")?.try_get(0)?)
    }

    /// Asks again and again until there is a row, and gives its first column; `None` if there is
    /// none in time.
    pub(super) async fn await_value<T>(
        &self,
        query: &str,
        parameters: Parameters<'_>,
        patience: Duration,
    ) -> anyhow::Result<Option<T>>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(row) = self.rows(query, parameters).await?.first() {
                return Ok(Some(row.try_get(0)?));
            }
            if Instant::now() > deadline {
                return Ok(None);
            }
            sleep(POLL).await;
        }
    }

    /// Tries again for as long as it is the connection that fails.
    async fn insist<T>(
        &self,
        attempt: impl AsyncFn(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let failure = match self.client().await {
                Ok(client) => match attempt(&client).await {
                    Ok(done) => return Ok(done),
                    Err(error) if client.is_closed() || is_stopping(&error) => error.into(),
                    Err(error) => bail!("{}", full(&error)),
                },
                Err(error) => error,
            };
            if Instant::now() > deadline {
                return Err(failure.context("Postgres does not come back"));
            }
            sleep(RETRY).await;
        }
    }

    async fn client(&self) -> anyhow::Result<Arc<Client>> {
        let mut client = self.client.lock().await;
        match &*client {
            Some(client) if !client.is_closed() => Ok(Arc::clone(client)),
            _ => {
                let connected = Arc::new(postgres::connect(&self.url).await?);
                *client = Some(Arc::clone(&connected));
                Ok(connected)
            }
        }
    }
}

/// Whether Postgres ended the session, and not the statement.
fn is_stopping(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || error.code().is_some_and(|code| code.code().starts_with("57P"))
}

fn full(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
}
