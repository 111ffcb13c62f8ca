//! How many rows a statement has that was cut.

use std::time::Duration;

use futures::future::try_join;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::types::Type;

use super::{plan, wrapper::Wrapped};
use crate::{Error, session::Session};

const TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: u64 = 64 * 1024;

/// Counts, in the transaction that the rows were read in or one like it; `None` if
/// that would cost or takes too much.
pub(super) async fn total_rows(
    session: &Session,
    query: &str,
    max_cost: f64,
    deadline: Instant,
) -> Result<Option<u64>, Error> {
    let deadline = deadline.min(Instant::now() + TIMEOUT);
    let counting = Box::pin(count(session, query, max_cost, deadline));
    timeout_at(deadline, counting).await.map_err(|_| Error::TimedOut)?
}

async fn count(
    session: &Session,
    query: &str,
    max_cost: f64,
    deadline: Instant,
) -> Result<Option<u64>, Error> {
    let statement = Wrapped::counting(query);
    let left_ms = deadline.saturating_duration_since(Instant::now()).as_millis().max(1).to_string();
    let limit = async {
        let limit = "SELECT pg_catalog.set_config('statement_timeout', $1, true)";
        let limited = session.client.query_typed(limit, &[(&left_ms, Type::TEXT)]).await;
        limited.map_err(Error::of_statement)
    };
    let (_, cost) = try_join(limit, plan::cost(session, &statement)).await?;
    if cost.check(max_cost).is_err() {
        return Ok(None);
    }
    session.budget().set(MAX_BYTES);
    let row = session.client.query_typed_one(&statement.text(), &[]).await;
    let count: i64 = row.and_then(|row| row.try_get(0)).map_err(|it| statement.failure(it))?;
    Ok(u64::try_from(count).ok())
}
