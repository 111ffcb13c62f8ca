use std::time::Duration;

use deadpool::managed::Object;
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Postgres,
    postgres::{PgDatabaseError, PgSeverity},
    query::Query,
};
use tokio::{runtime::Handle, time};

use super::Logins;

/// How long a connection that was left in the middle of a statement may take to come to its
/// end; so long does it keep others waiting.
const LEFTOVERS: Duration = Duration::from_millis(50);
/// How long a transaction that was not committed may take to be rolled back.
const ROLLBACK: Duration = Duration::from_secs(1);

/// A connection, which goes back to the pool when it is dropped, if it is fit for others.
#[derive(Debug)]
pub(super) struct Lent {
    /// There until it is dropped.
    connection: Option<Object<Logins>>,
    /// A statement was begun, and did not come to its end.
    is_working: bool,
    in_transaction: bool,
    is_broken: bool,
}

impl Lent {
    pub(super) fn new(connection: Object<Logins>) -> Self {
        Self {
            connection: Some(connection),
            is_working: false,
            in_transaction: false,
            is_broken: false,
        }
    }

    pub(super) async fn execute(&mut self, statement: Statement) -> Result<ExecResult, DbErr> {
        let done = self.work(async |it| query(statement).execute(it).await).await;
        Ok(done.map_err(|error| DbErr::Exec(runtime(error)))?.into())
    }

    pub(super) async fn execute_unprepared(&mut self, sql: &str) -> Result<ExecResult, DbErr> {
        let done = self.work(async |it| it.execute(AssertSqlSafe(sql)).await).await;
        Ok(done.map_err(|error| DbErr::Exec(runtime(error)))?.into())
    }

    pub(super) async fn query_one(
        &mut self,
        statement: Statement,
    ) -> Result<Option<QueryResult>, DbErr> {
        let row = self.work(async |it| query(statement).fetch_optional(it).await).await;
        Ok(row.map_err(|error| DbErr::Query(runtime(error)))?.map(QueryResult::from))
    }

    pub(super) async fn query_all(
        &mut self,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let rows = self.work(async |it| query(statement).fetch_all(it).await).await;
        let rows = rows.map_err(|error| DbErr::Query(runtime(error)))?;
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    pub(super) async fn begin(&mut self) -> Result<(), DbErr> {
        self.in_transaction = true;
        self.execute_unprepared("BEGIN").await.map(drop)
    }

    pub(super) async fn commit(&mut self) -> Result<(), DbErr> {
        self.execute_unprepared("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    async fn work<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let connection = self.connection.as_mut().expect("it is there until it is dropped");
        self.is_working = true;
        let done = work(connection).await;
        self.is_working = false;
        self.is_broken |= done.as_ref().is_err_and(is_fatal);
        done
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.is_broken {
            return close(connection);
        }
        if !self.is_working && !self.in_transaction {
            return;
        }
        let patience = if self.is_working { LEFTOVERS } else { ROLLBACK };
        let Ok(runtime) = Handle::try_current() else { return close(connection) };
        runtime.spawn(tidy(connection, self.in_transaction, patience));
    }
}

/// Readies a connection for the next one, if it is prompt. Otherwise it is closed, and Postgres
/// ends what is going on on it when it notices that.
async fn tidy(mut connection: Object<Logins>, in_transaction: bool, patience: Duration) {
    let tidied = async {
        match in_transaction {
            true => connection.execute("ROLLBACK").await.map(drop),
            false => connection.ping().await,
        }
    };
    if !matches!(time::timeout(patience, tidied).await, Ok(Ok(()))) {
        close(connection);
    }
}

fn close(connection: Object<Logins>) {
    drop(Object::take(connection));
}

fn query(statement: Statement) -> Query<'static, Postgres, SqlxValues> {
    let values = statement.values.unwrap_or(Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

fn runtime(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(error.into())
}

/// Whether the connection can't be used after this.
fn is_fatal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let error = error.try_downcast_ref::<PgDatabaseError>();
            error.is_none_or(|it| matches!(it.severity(), PgSeverity::Fatal | PgSeverity::Panic))
        }
        // What was sent and received was all right, and did not fit what was asked for.
        sqlx::Error::RowNotFound
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::Encode(_) => false,
        _ => true,
    }
}
