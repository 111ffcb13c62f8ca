//! Ending runs that nobody else ends.

use sea_orm::{
    Condition, ExprTrait as _, QueryOrder as _, QuerySelect as _, entity::prelude::*,
    sea_query::LockType,
};

use super::{
    Failure, MAX_ATTEMPTS, Outcome, Signals, WakeUp, admission,
    ending::{End, capture},
    locks,
};
use crate::{
    Database, Error, SessionId, Transaction,
    entity::run::{COLUMN, Column, Entity, Model, State},
};

/// How many runs of a session are ended at a time.
const BATCH: u64 = 100;

/// Why a run failed whose workers have died of it.
pub const ATTEMPTS_EXHAUSTED: &str = "ATTEMPTS_EXHAUSTED";

/// Ends what is not being worked on of a session and has to end: since that was asked
/// for, since its time is over, or since too many workers have died of it; so many runs
/// at a time at most.
#[tracing::instrument(name = "db.run.end_overdue", skip_all, fields(session.id = %session_id))]
pub async fn end_overdue(db: &Database, session_id: SessionId) -> Result<Signals, Error> {
    let tx = crate::transaction(db).await?;
    locks::session_soon(&tx, session_id).await?;
    let mut signals = Signals::default();
    let now = locks::clock(&tx).await?;
    for run in candidates(&tx, session_id).await? {
        let Some(end) = due_end(&run, now) else { continue };
        if let Some(ended) = capture(&tx, &run, run.state, end).await? {
            signals.add(&ended.run);
        }
    }
    signals.wake_up = admission::admit(&tx, session_id).await?.as_ref().and_then(WakeUp::of);
    tx.commit().await?;
    Ok(signals)
}

async fn candidates(tx: &Transaction, session_id: SessionId) -> Result<Vec<Model>, Error> {
    let has_to_end = Condition::any()
        .add(Expr::col(Column::ExpiresAt).lte(Expr::cust("clock_timestamp()")))
        .add(COLUMN.state.eq(State::Cancelling))
        .add(Column::Attempts.gte(MAX_ATTEMPTS));
    let runs = Entity::find()
        .filter(COLUMN.chat_session_id.eq(session_id))
        .filter(Column::EndedAt.is_null())
        .filter(has_to_end)
        .order_by_asc(Column::Id)
        .limit(BATCH)
        .lock(LockType::NoKeyUpdate)
        .all(tx)
        .await?;
    Ok(runs)
}

fn due_end(run: &Model, now: DateTimeUtc) -> Option<End> {
    let is_held = match run.state {
        State::Queued => false,
        State::Running | State::Cancelling => run.lease_expires_at.is_some_and(|it| now < it),
        State::Succeeded | State::Failed | State::Cancelled | State::Expired => true,
    };
    if is_held {
        None
    } else if run.state == State::Cancelling {
        Some(End::without_attempt(run, Outcome::Cancelled, None))
    } else if run.expires_at <= now {
        Some(End::without_attempt(run, Outcome::Expired, None))
    } else if MAX_ATTEMPTS <= run.attempts {
        let message = format!("{MAX_ATTEMPTS} attempts were begun and none came to an end");
        let failure = Failure { reason: ATTEMPTS_EXHAUSTED, message };
        Some(End::without_attempt(run, Outcome::Failed(failure), None))
    } else {
        None
    }
}
