//! What is not kept for ever: it goes in pieces, each a short transaction that waits for
//! nobody. Of several who purge at once each gets others.
//!
//! Sessions go whole: they are hidden long before, and what is left of one in between is
//! seen by nobody.

mod agents;
mod receipts;
mod results;
mod sessions;

use sea_orm::{ConnectionTrait as _, Statement};

use crate::{Database, Error, Transaction};

pub use agents::{purge_agents, purge_data_sources};
pub use receipts::purge_receipts;
pub use results::purge_results;
pub use sessions::{Page, Purged, expire, purge_sessions};

/// A statement that takes longer than a piece should is given up, and so is one that has
/// to wait.
const BOUNDS: &str = "SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '500ms'";

/// Begins a piece.
pub(crate) async fn piece(db: &Database) -> Result<Transaction, Error> {
    let tx = crate::transaction(db).await?;
    tx.execute_unprepared(BOUNDS).await?;
    Ok(tx)
}

/// A piece of one statement, which says how many rows it has changed.
async fn execute(db: &Database, statement: Statement) -> Result<u64, Error> {
    let tx = piece(db).await?;
    let changed = tx.execute_raw(statement).await?.rows_affected();
    tx.commit().await?;
    Ok(changed)
}
