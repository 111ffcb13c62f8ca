use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    prelude::async_trait::async_trait,
};
use tokio::sync::Mutex;

use super::{Database, Lent};

/// A transaction, which is rolled back unless it is committed.
#[derive(Debug)]
pub struct Transaction {
    connection: Mutex<Lent>,
}

impl Database {
    pub(crate) async fn begin(&self) -> Result<Transaction, DbErr> {
        let mut connection = self.lend().await?;
        connection.begin().await?;
        Ok(Transaction { connection: Mutex::new(connection) })
    }
}

impl Transaction {
    pub async fn commit(self) -> Result<(), DbErr> {
        self.connection.into_inner().commit().await
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.connection.lock().await.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.connection.lock().await.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.connection.lock().await.query_one(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.connection.lock().await.query_all(statement).await
    }
}
