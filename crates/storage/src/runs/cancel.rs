//! Cancelling runs: those that nobody works on at once, the others by way of their
//! worker.

use sea_orm::{DbBackend, Statement};

use super::{
    Failure, Outcome, Signals, WakeUp, admission,
    ending::{End, capture},
    locks,
};
use crate::{
    Database, Error, RunId, SessionId, Transaction, UserId,
    columns::columns,
    entity::run::{Entity, Model, State},
    idempotency::{self, Begun, Request},
    rows,
};

/// Why a run is cancelled.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// By its user, who may have said why.
    Requested(String),
    /// Another question took its place, while it was going on.
    Interrupted,
    /// Another question took its place before its turn came.
    Superseded,
    SessionDeleted,
}

impl Cause {
    fn failure(self) -> Failure {
        let (reason, message) = match self {
            Self::Requested(message) if message.is_empty() => ("CANCELLED", "it was cancelled"),
            Self::Requested(message) => return Failure { reason: "CANCELLED", message },
            Self::Interrupted => ("INTERRUPTED", "another question took its place"),
            Self::Superseded => {
                ("SUPERSEDED", "another question took its place before its turn came")
            }
            Self::SessionDeleted => ("SESSION_DELETED", "its session was deleted"),
        };
        Failure { reason, message: message.to_owned() }
    }
}

/// Cancels a run, finally. One that has ended, or is being cancelled, is returned
/// as it is.
#[tracing::instrument(name = "db.run.cancel", skip_all, fields(run.id = %id))]
pub async fn cancel(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    id: RunId,
    reason: String,
) -> Result<(Model, Signals), Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(_) => {
            return Ok((super::follow(db, user_id, id).await?, Signals::default()));
        }
    };
    let tx = effect.tx();
    let session_id = super::get(tx, user_id, id).await?.chat_session_id;
    locks::session(tx, session_id).await?;
    let run = locks::run(tx, id).await?;
    let mut signals = Signals::default();
    let run = match cancel_locked(tx, &run, Cause::Requested(reason)).await? {
        Some(cancelled) => {
            signals.add(&cancelled);
            cancelled
        }
        None => run,
    };
    signals.wake_up = admission::admit(tx, session_id).await?.as_ref().and_then(WakeUp::of);
    effect.commit(id.0).await?;
    Ok((run, signals))
}

/// Cancels what is unfinished of a session that is deleted.
#[tracing::instrument(name = "db.run.cancel_deleted", skip_all, fields(session.id = %session_id))]
pub async fn cancel_deleted(db: &Database, session_id: SessionId) -> Result<Signals, Error> {
    let tx = crate::transaction(db).await?;
    locks::session(&tx, session_id).await?;
    let signals = cancel_all(&tx, session_id, |_| Cause::SessionDeleted).await?;
    tx.commit().await?;
    Ok(signals)
}

/// Cancels what is unfinished of a session that is locked.
pub(crate) async fn cancel_all(
    tx: &Transaction,
    session_id: SessionId,
    cause: impl Fn(&Model) -> Cause,
) -> Result<Signals, Error> {
    let mut signals = Signals::default();
    for run in &locks::unfinished(tx, session_id).await? {
        if let Some(cancelled) = cancel_locked(tx, run, cause(run)).await? {
            signals.add(&cancelled);
        }
    }
    Ok(signals)
}

/// Cancels a run that is locked. `None` if nothing is to be changed.
async fn cancel_locked(
    tx: &Transaction,
    run: &Model,
    cause: Cause,
) -> Result<Option<Model>, Error> {
    match run.state {
        State::Queued => {
            let end = End::without_attempt(run, Outcome::Cancelled, Some(cause.failure()));
            Ok(capture(tx, run, State::Queued, end).await?.map(|it| it.run))
        }
        State::Running => request(tx, run, cause.failure()).await.map(Some),
        State::Cancelling
        | State::Succeeded
        | State::Failed
        | State::Cancelled
        | State::Expired => Ok(None),
    }
}

/// Has a run's worker stop it. Soon someone looks whether the worker knows.
async fn request(tx: &Transaction, run: &Model, failure: Failure) -> Result<Model, Error> {
    let sql = format!(
        "UPDATE runs SET state = 'cancelling', cancel_requested_at = clock_timestamp(),
            wake_at = least(lease_expires_at, now() + interval '1 second'), updated_at = now(),
            error_reason = $2, error_message = $3
        WHERE id = $1 RETURNING {columns}",
        columns = columns::<Entity>("runs")
    );
    let values: [sea_orm::Value; 3] =
        [run.id.into(), failure.reason.into(), failure.message.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let cancelling = rows::one::<Model>(tx, statement).await?;
    Ok(cancelling.expect("a locked row is there"))
}
