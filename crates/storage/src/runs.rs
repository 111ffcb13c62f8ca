//! Runs, from the question to its end.
//!
//! Every transaction that starts, admits or ends a run locks its session's row
//! first and the run's after it. Messages are written in [`admission`] and
//! [`ending`], and nowhere else.

mod admission;
mod ending;
mod lease;
mod wake_up;

use sea_orm::{QueryOrder, QuerySelect, QueryTrait as _, entity::prelude::*};

use crate::{
    AgentId, Error, RunId, SessionId, UserId,
    entity::run::{COLUMN, Column, Entity, Model, State},
    error,
    page::Page,
    sessions,
};

pub use admission::{Conversation, Started, admit_next, start};
pub use ending::{Ended, Ending, Execution, Failure, end};
pub use lease::{claim, release, renew};
pub use wake_up::{Due, WakeUp, publish_again, take_due};

/// Which of a user's runs to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub session_id: Option<SessionId>,
    pub agent_id: Option<AgentId>,
    pub state: Option<State>,
}

/// Gets a run. Those of a deleted session are not there.
#[tracing::instrument(name = "db.run.get", skip_all, fields(run.id = %id))]
pub async fn get(db: &impl ConnectionTrait, user_id: UserId, id: RunId) -> Result<Model, Error> {
    let run = Entity::find_by_id(id)
        .filter(COLUMN.user_id.eq(user_id))
        .filter(Expr::cust(SESSION_IS_THERE))
        .one(db)
        .await?;
    run.ok_or(Error::NotFound(error::Entity::Run))
}

/// Lists a user's runs, newest first.
#[tracing::instrument(name = "db.run.list", skip_all, fields(user.id = %user_id))]
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: UserId,
    filter: Filter,
    before: Option<RunId>,
    limit: u64,
) -> Result<Page<Model, RunId>, Error> {
    if let Some(session_id) = filter.session_id {
        sessions::get(db, user_id, session_id).await?;
    }
    let rows = Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(Expr::cust(SESSION_IS_THERE))
        .apply_if(filter.session_id, |query, id| query.filter(COLUMN.chat_session_id.eq(id)))
        .apply_if(filter.agent_id, |query, id| query.filter(COLUMN.agent_id.eq(id)))
        .apply_if(filter.state, |query, state| query.filter(COLUMN.state.eq(state)))
        .apply_if(before, |query, before| query.filter(Column::Id.lt(before)))
        .order_by_desc(Column::Id)
        .limit(limit + 1)
        .all(db)
        .await?;
    Ok(Page::from_overfetch(rows, limit, |row| row.id))
}

const SESSION_IS_THERE: &str = "EXISTS (SELECT FROM chat_sessions s \
     WHERE s.id = runs.chat_session_id AND s.deleted_at IS NULL)";
