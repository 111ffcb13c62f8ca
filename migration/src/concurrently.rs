use sea_orm_migration::prelude::*;

/// A migration that makes indexes while the services go on: nobody who writes waits for
/// it. Outside of a transaction, as Postgres demands, so that one that breaks off leaves
/// a part behind; the next one begins with dropping that.
#[derive(Clone, Copy)]
pub(crate) struct Indexes {
    /// As the file's; what has been applied is known by it.
    pub name: &'static str,
    pub indexes: &'static [Index],
}

#[derive(Clone, Copy)]
pub(crate) struct Index {
    pub name: &'static str,
    /// The table, the columns and the condition.
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
        let db = manager.get_connection();
        for Index { name, on } in self.indexes {
            db.execute_unprepared(&format!("DROP INDEX CONCURRENTLY IF EXISTS {name}")).await?;
            db.execute_unprepared(&format!("CREATE INDEX CONCURRENTLY {name} ON {on}")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for Index { name, .. } in self.indexes {
            let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
            manager.get_connection().execute_unprepared(&drop).await?;
        }
        Ok(())
    }
}
