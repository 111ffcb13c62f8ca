//! Whether deletions get done.

use std::time::Duration;

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use crate::Error;

/// For how long the oldest deletion has been there that is not complete; zero: there is none.
#[tracing::instrument(name = "db.user_data.oldest_unfinished", skip_all)]
pub async fn oldest_unfinished(db: &impl ConnectionTrait) -> Result<Duration, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        seconds: f64,
    }
    let sql = "SELECT coalesce(extract(epoch FROM now() - min(requested_at)), 0)::double precision
            AS seconds
        FROM user_data_deletions WHERE due_at IS NOT NULL";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = Row::find_by_statement(statement).one(db).await?.expect("a minimum is one row");
    Ok(Duration::try_from_secs_f64(row.seconds).unwrap_or_default())
}
