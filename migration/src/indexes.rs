use sea_orm_migration::{
    prelude::*,
    sea_orm::{DbBackend, Statement},
};

/// A migration that indexes tables which are in use: nobody waits for it. It is not undone when
/// it fails half-way, but goes on from there when it is started again.
#[derive(Clone, Copy, Debug)]
pub struct Indexes {
    /// As the file's; what has been applied is known by it.
    pub name: &'static str,
    pub indexes: &'static [Index],
    /// What is taken away once the others are there; none that is `UNIQUE`. The release before goes
    /// on without, more slowly.
    pub replaced: &'static [Index],
}

#[derive(Clone, Copy, Debug)]
pub struct Index {
    /// Unique in the schema.
    pub name: &'static str,
    /// What follows `CREATE`: `INDEX` or `UNIQUE INDEX`.
    pub kind: &'static str,
    /// What follows the name, from `ON` on.
    pub on: &'static str,
}

impl MigrationName for Indexes {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Indexes {
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for index in self.indexes {
            build(manager.get_connection(), index).await?;
        }
        for index in self.replaced {
            take_away(manager.get_connection(), index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for index in self.replaced {
            build(manager.get_connection(), index).await?;
        }
        for index in self.indexes.iter().rev() {
            take_away(manager.get_connection(), index).await?;
        }
        Ok(())
    }
}

/// Builds an index; one that was left half-built is taken away before.
pub async fn build(db: &impl ConnectionTrait, index: &Index) -> Result<(), DbErr> {
    let left = "SELECT FROM pg_index
        WHERE indexrelid = to_regclass(quote_ident($1)) AND NOT indisvalid";
    let left = Statement::from_sql_and_values(DbBackend::Postgres, left, [index.name.into()]);
    if db.query_one_raw(left).await?.is_some() {
        take_away(db, index).await?;
    }
    let Index { name, kind, on } = index;
    concurrently(db, &format!("CREATE {kind} CONCURRENTLY IF NOT EXISTS {name} {on}")).await
}

async fn take_away(db: &impl ConnectionTrait, index: &Index) -> Result<(), DbErr> {
    concurrently(db, &format!("DROP INDEX CONCURRENTLY IF EXISTS {}", index.name)).await
}

/// Such a statement waits for everybody's transactions, and nobody waits for it.
async fn concurrently(db: &impl ConnectionTrait, statement: &str) -> Result<(), DbErr> {
    db.execute_unprepared("SET lock_timeout = 0").await?;
    let result = db.execute_unprepared(statement).await;
    db.execute_unprepared("RESET lock_timeout").await?;
    result.map(drop)
}
