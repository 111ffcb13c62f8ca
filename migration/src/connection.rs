//! The one connection, and who has to wait for whom.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use sea_orm_migration::sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr,
    RuntimeErr, Statement, sqlx,
};
use tokio::time;

/// Any number that nobody else takes an advisory lock on.
const LOCK: i64 = 0x7465_7274_756c_6961;

/// For how long a statement waits for a lock on a table: meanwhile everybody else who wants the
/// table waits behind it. As Postgres prints it.
const LOCK_TIMEOUT: &str = "3s";
/// Until when others may keep us from it, altogether.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often to look whether another migration has ended, and to say that we wait.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const TELL_EVERY: Duration = Duration::from_secs(30);

/// Connects and takes the lock, which lasts as long as the connection: the pool
/// has only the one, so everything done on it is done under the lock.
pub(crate) async fn locked(database_url: &str) -> anyhow::Result<DatabaseConnection> {
    let db =
        Database::connect(options(database_url)).await.context("connecting to DATABASE_URL")?;
    refuse_poolers(&db).await?;
    take_lock(&db).await?;
    Ok(db)
}

/// Without bounds on the connection's age, for the pool would make another, and lose the lock.
fn options(database_url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(database_url);
    options
        .min_connections(1)
        .max_connections(1)
        .max_lifetime(None::<Duration>)
        .idle_timeout(None::<Duration>)
        .set_application_name("tertulia-migration")
        .map_sqlx_postgres_opts(|options| options.options([("lock_timeout", LOCK_TIMEOUT)]))
        .sqlx_logging(false);
    options
}

/// A pooler does not pass options on to the server, and may give each transaction another
/// connection, and with it nobody's lock.
async fn refuse_poolers(db: &DatabaseConnection) -> anyhow::Result<()> {
    let lock_timeout: String = ask(db, "SELECT current_setting('lock_timeout')").await?;
    ensure!(
        lock_timeout == LOCK_TIMEOUT,
        "DATABASE_URL leads through a pooler, as it seems (the option lock_timeout is lost on the \
         way): migrations need a connection to Postgres itself"
    );
    Ok(())
}

/// Asks again and again: whoever waits inside of a statement keeps `CREATE INDEX CONCURRENTLY`
/// from coming to its end.
async fn take_lock(db: &DatabaseConnection) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut told_at = None::<Instant>;
    while !ask::<bool>(db, &format!("SELECT pg_try_advisory_lock({LOCK})")).await? {
        let holder = holder(db).await?;
        ensure!(
            start.elapsed() < PATIENCE,
            "another migration ({holder}) has gone on for {} minutes",
            PATIENCE.as_secs() / 60
        );
        if told_at.is_none_or(|at| TELL_EVERY < at.elapsed()) {
            eprintln!("waiting for another migration to end ({holder})");
            told_at = Some(Instant::now());
        }
        time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

async fn holder(db: &DatabaseConnection) -> Result<String, DbErr> {
    let sql = format!(
        "SELECT coalesce(
            (SELECT format('process %s of the server, of %s at %s', pid, usename,
                           coalesce(host(client_addr), 'a local socket'))
               FROM pg_locks JOIN pg_stat_activity USING (pid)
              WHERE locktype = 'advisory' AND granted AND objsubid = 1
                AND (classid::bigint << 32) | objid::bigint = {LOCK}
              LIMIT 1),
            'which has just ended')"
    );
    ask(db, &sql).await
}

/// Does it again, after a while, when a table was in use for too long. What `work` has not
/// finished must not be seen.
pub(crate) async fn patiently<F>(what: &str, mut work: impl FnMut() -> F) -> anyhow::Result<()>
where
    F: Future<Output = Result<(), DbErr>>,
{
    let (start, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        match work().await {
            Err(error) if is_locked_out(&error) && start.elapsed() < PATIENCE => {
                eprintln!(
                    "{what}: a table was locked by others for {LOCK_TIMEOUT}; trying again in {} s",
                    pause.as_secs()
                );
                time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) if is_locked_out(&error) => {
                let minutes = PATIENCE.as_secs() / 60;
                bail!("{what}: a table is locked by others for {minutes} minutes ({error})");
            }
            result => return result.with_context(|| what.to_owned()),
        }
    }
}

/// Of a lock that was not to be had in time, or of a deadlock that was resolved at our cost.
fn is_locked_out(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) =
        error
    else {
        return false;
    };
    let sqlx::Error::Database(error) = &**error else { return false };
    error.code().is_some_and(|code| ["55P03", "40P01"].contains(&&*code))
}

async fn ask<T: sea_orm_migration::sea_orm::TryGetable>(
    db: &DatabaseConnection,
    sql: &str,
) -> Result<T, DbErr> {
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(sql.to_owned()))?.try_get_by_index(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_never_too_old_for_the_lock_it_holds() {
        let options = options("postgres://localhost/tertulia");

        let bounds = (options.get_max_lifetime(), options.get_idle_timeout());

        assert_eq!(bounds, (Some(None), Some(None)));
    }
}
