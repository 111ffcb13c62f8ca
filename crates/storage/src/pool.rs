//! How much of the pool is lent.

use sea_orm::DatabaseConnection;

/// Connections of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    pub idle: u32,
    pub in_use: u32,
    /// How many there may be.
    pub max: u32,
}

/// The pool, as it is now.
pub fn pool_use(db: &DatabaseConnection) -> PoolUse {
    let pool = db.get_postgres_connection_pool();
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    let in_use = pool.size().saturating_sub(idle);
    PoolUse { idle, in_use, max: pool.options().get_max_connections() }
}
