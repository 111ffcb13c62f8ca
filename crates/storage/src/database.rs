//! The way to Tertulia's own database: a pool of connections, and transactions on them.
//!
//! The driver's own pool asks the server after each use of a connection whether it is still
//! there, and begins a task for it; here a connection is asked only if its last user left it
//! half-way, or if it was idle. A transaction can be cancelled at any point.

mod lent;
mod logins;
mod transaction;

use std::time::Duration;

use deadpool::{
    Runtime,
    managed::{Pool, PoolConfig, PoolError, QueueMode, TimeoutType, Timeouts},
};
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement, prelude::async_trait::async_trait,
};
use sqlx::postgres::PgConnectOptions;
use tokio::time;

pub use self::transaction::Transaction;
use self::{lent::Lent, logins::Logins};

/// How long to wait for a connection in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection that was idle may take to answer before another one is made.
const PROMPT: Duration = Duration::from_secs(2);
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Connections to the database, as many as are needed at once, up to a bound.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool<Logins>,
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    pub idle: u32,
    pub in_use: u32,
    /// How many there may be.
    pub max: u32,
}

impl Database {
    /// Makes the first connection.
    pub(crate) async fn connect(
        options: PgConnectOptions,
        max_connections: u32,
    ) -> Result<Self, DbErr> {
        let timeouts = Timeouts { wait: None, create: Some(PATIENCE), recycle: Some(PROMPT) };
        // The one that was used last is likely to be there, and in the caches.
        let queue_mode = QueueMode::Lifo;
        let max_size = max_connections as usize;
        let pool = Pool::builder(Logins::new(options))
            .config(PoolConfig { max_size, timeouts, queue_mode })
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a runtime is given for the timeouts");
        let this = Self { pool };
        drop(this.lend().await?);
        this.close_idle();
        Ok(this)
    }

    /// Closes what nobody uses, for as long as somebody has the pool.
    fn close_idle(&self) {
        let pool = self.pool.weak();
        tokio::spawn(async move {
            loop {
                time::sleep(LOOK_EVERY).await;
                let Some(pool) = pool.upgrade() else { return };
                pool.retain(|_, metrics| metrics.last_used() < IDLE);
            }
        });
    }

    pub fn in_use(&self) -> PoolUse {
        let status = self.pool.status();
        let [idle, size, max] = [status.available, status.size, status.max_size]
            .map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        PoolUse { idle, in_use: size.saturating_sub(idle), max }
    }

    async fn lend(&self) -> Result<Lent, DbErr> {
        let lent = time::timeout(PATIENCE, self.pool.get()).await;
        let lent = lent.unwrap_or(Err(PoolError::Timeout(TimeoutType::Wait)));
        let connection = lent.map_err(|error| match error {
            PoolError::Timeout(_) => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
            PoolError::Backend(error) => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
            // The rest is of closing and of hooks, of which there is none.
            _ => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        })?;
        Ok(Lent::new(connection))
    }
}

#[async_trait]
impl ConnectionTrait for Database {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.lend().await?.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.lend().await?.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.lend().await?.query_one(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.lend().await?.query_all(statement).await
    }
}
