//! What a pooler between us and Postgres must let through. Our statements are prepared once on a
//! connection, and executed again and again; a pooler that gives each transaction whatever
//! connection is free must take that along.

use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use tokio::time;

use crate::{
    connection::{self, SETTINGS},
    error,
};

/// How often each connection has its turn. The first time they meet on one server connection, or
/// miss their own, is enough, which by default is the second turn of all.
const TURNS: i32 = 4;
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server says to a statement that somebody else has prepared, or nobody: it is there
/// already, it is not there, or it has another result.
const LOST: [&str; 3] = ["42P05", "26000", "0A000"];
/// What it says if the other has other parameters, and PgBouncer to much else.
const PROTOCOL_VIOLATION: &str = "08P01";
/// How the driver's names of statements begin.
const STATEMENT: &str = "sqlx_s_";

/// Why the way to the database will not do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("database unavailable")]
    Unavailable(#[source] sqlx::Error),
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Late,
    /// What PgBouncer says to what it is not told to ignore.
    #[error(
        "a pooler refuses what connections ask for at their start: PgBouncer needs \
         `ignore_startup_parameters = extra_float_digits, options`"
    )]
    StartRefused(#[source] sqlx::Error),
    #[error(
        "a pooler on the way loses prepared statements between transactions: PgBouncer must be \
         1.21 or later, with max_prepared_statements above 0"
    )]
    StatementsLost(#[source] Option<sqlx::Error>),
}

impl Error {
    /// Whether the server could not be reached, or was not ready: later it may be.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Unavailable(error) => error::is_away(error),
            Self::Late => true,
            Self::StartRefused(_) | Self::StatementsLost(_) => false,
        }
    }
}

/// Finds out whether statements that are prepared in one transaction are there in the next, and
/// warns of settings that do not reach the server.
pub async fn check_pooling(url: &str) -> Result<(), Error> {
    time::timeout(PATIENCE, check(url)).await.unwrap_or(Err(Error::Late))
}

async fn check(url: &str) -> Result<(), Error> {
    let (mut one, mut other) = (connect(url).await?, connect(url).await?);
    for turn in 0..TURNS {
        // The driver names their statements alike.
        ask(&mut one, 1, turn).await?;
        ask(&mut other, 2, turn).await?;
    }
    warn_of_lost_settings(&mut one).await?;
    // The server notices their ends by itself, too.
    let _ = (one.close().await, other.close().await);
    Ok(())
}

async fn connect(url: &str) -> Result<PgConnection, Error> {
    let options = connection::options(url).map_err(Error::Unavailable)?;
    options.connect().await.map_err(|error| {
        let is_refused = violates_protocol(&error, "startup parameter");
        if is_refused { Error::StartRefused(error) } else { Error::Unavailable(error) }
    })
}

/// Executes a statement of this connection's own, which is prepared the first time.
async fn ask(connection: &mut PgConnection, number: i32, turn: i32) -> Result<(), Error> {
    let sql = match number {
        1 => "SELECT $1::int4 + 1",
        _ => "SELECT $1::int4 + 2",
    };
    let answer: Result<i32, _> = sqlx::query_scalar(sql).bind(turn).fetch_one(connection).await;
    match answer {
        Ok(sum) if sum == turn + number => Ok(()),
        Ok(_) => Err(Error::StatementsLost(None)),
        Err(error) if is_lost(&error) => Err(Error::StatementsLost(Some(error))),
        Err(error) => Err(Error::Unavailable(error)),
    }
}

/// Without them a process that is paused, or waits, keeps others from theirs.
async fn warn_of_lost_settings(connection: &mut PgConnection) -> Result<(), Error> {
    for (setting, value) in SETTINGS {
        let shown: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await
            .map_err(Error::Unavailable)?;
        if shown == "0" {
            tracing::warn!(
                setting,
                "a pooler on the way ignores the options of our connections: set this one for our \
                 role, `ALTER ROLE … SET {setting} = '{value}'`"
            );
        }
    }
    Ok(())
}

fn is_lost(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| LOST.contains(&&*code)) || violates_protocol(error, STATEMENT)
}

fn violates_protocol(error: &sqlx::Error, how: &str) -> bool {
    code(error).is_some_and(|code| code == PROTOCOL_VIOLATION)
        && error.as_database_error().is_some_and(|it| it.message().contains(how))
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(|code| code.into_owned())
}
