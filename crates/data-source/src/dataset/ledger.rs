//! The ledger of imports: what came of each request, so that one that is made again
//! imports nothing and gets the same answer. The owner alone can read it.

use std::time::Duration;

use tokio_postgres::{
    Client,
    types::{Json, Type},
};
use uuid::Uuid;

use super::{DatasetStore, Imported, LOCK};
use crate::Error;

const TABLE: &str = "
    CREATE SCHEMA IF NOT EXISTS tertulia;
    CREATE TABLE IF NOT EXISTS tertulia.imports (
        data_source_id bigint NOT NULL,
        request_id uuid NOT NULL,
        content_hash bytea NOT NULL,
        -- NULL until the import's transaction has its outcome.
        response jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT imports_pkey PRIMARY KEY (data_source_id, request_id)
    );
    -- Serves the purge.
    CREATE INDEX IF NOT EXISTS imports_created_at_idx ON tertulia.imports (created_at)";

/// The update changes nothing: it is there for its lock and for RETURNING.
const CLAIM: &str = "
    INSERT INTO tertulia.imports AS known (data_source_id, request_id, content_hash)
    VALUES ($1, $2, $3)
    ON CONFLICT (data_source_id, request_id) DO UPDATE SET content_hash = known.content_hash
    RETURNING content_hash, response";

const RECORD: &str = "
    UPDATE tertulia.imports SET response = $3 WHERE data_source_id = $1 AND request_id = $2";

/// An hour more, since an import's time is that of its beginning.
const PURGE: &str = "
    WITH old AS (
        SELECT data_source_id, request_id FROM tertulia.imports
         WHERE created_at < now() - $2 * interval '1 second' - interval '1 hour'
         ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM tertulia.imports AS import USING old
     WHERE import.data_source_id = old.data_source_id AND import.request_id = old.request_id";

/// What makes a request the same as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: Uuid,
    /// Of everything that was asked for, the CSV included.
    pub content_hash: [u8; 32],
}

impl DatasetStore {
    /// Deletes up to `limit` requests that were kept for longer than `kept`, and gives
    /// their number. Several may do so at once.
    #[tracing::instrument(name = "dataset.purge_imports", skip_all)]
    pub async fn purge_imports(&self, kept: Duration, limit: u32) -> Result<u64, Error> {
        let session = self.open().await?;
        let (limit, kept) = (i64::from(limit), kept.as_secs_f64());
        let values = [(&limit as _, Type::INT8), (&kept as _, Type::FLOAT8)];
        let purged = session.client.execute_typed(PURGE, &values).await;
        let purged = purged.map_err(Error::of_store)?;
        session.close().await;
        Ok(purged)
    }
}

/// Makes the ledger where there is none. It looks first, since the lock may be held
/// for as long as someone reads a data set that is dropped.
pub(super) async fn ensure(client: &Client) -> Result<(), tokio_postgres::Error> {
    let question = "SELECT to_regclass('tertulia.imports') IS NOT NULL";
    let is_there: bool = client.query_typed_one(question, &[]).await?.try_get(0)?;
    if is_there {
        return Ok(());
    }
    client.batch_execute(&format!("BEGIN; {LOCK}; {TABLE}; COMMIT")).await
}

/// Claims a request's id for the open transaction, or gives what came of the same
/// request before. Whoever else has claimed it is waited for.
pub(super) async fn claim(
    client: &Client,
    data_source_id: i64,
    request: &Request,
) -> Result<Option<Imported>, Error> {
    // As long as an import may take. After that the caller may try again.
    let patience = "SET LOCAL lock_timeout = '2min'";
    client.batch_execute(patience).await.map_err(Error::of_store)?;
    let row = client
        .query_typed_one(
            CLAIM,
            &[
                (&data_source_id, Type::INT8),
                (&request.id, Type::UUID),
                (&request.content_hash.as_slice(), Type::BYTEA),
            ],
        )
        .await
        .map_err(Error::of_store)?;
    let content_hash: &[u8] = row.try_get(0).map_err(Error::of_store)?;
    if content_hash != request.content_hash {
        return Err(Error::RequestIdReused);
    }
    let response: Option<Json<Imported>> = row.try_get(1).map_err(Error::of_store)?;
    Ok(response.map(|Json(imported)| imported))
}

/// Writes down what came of a request that was claimed.
pub(super) async fn record(
    client: &Client,
    data_source_id: i64,
    request: &Request,
    imported: &Imported,
) -> Result<(), tokio_postgres::Error> {
    client
        .execute_typed(
            RECORD,
            &[
                (&data_source_id, Type::INT8),
                (&request.id, Type::UUID),
                (&Json(imported), Type::JSONB),
            ],
        )
        .await?;
    Ok(())
}

/// Forgets the requests of a data set.
pub(super) async fn forget(
    client: &Client,
    data_source_id: i64,
) -> Result<(), tokio_postgres::Error> {
    let delete = "DELETE FROM tertulia.imports WHERE data_source_id = $1";
    client.execute_typed(delete, &[(&data_source_id, Type::INT8)]).await?;
    Ok(())
}
