//! The data set: users with conversations as the product would have written them, in bulk.

mod copy;
pub(crate) mod crowd;
mod indexes;
mod live;
mod load;
mod plan;
mod rows;
mod texts;
pub(crate) mod vectors;
mod words;

pub(crate) use self::load::{connect, freshen};
pub use self::{
    load::{Loaded, grow, load},
    plan::Scale,
};

/// What there is to ask for.
#[derive(Clone, Debug)]
pub struct Data {
    /// Each has as many sessions as the others.
    pub users: Vec<User>,
    /// The conversation that is far longer than all others.
    pub long: Long,
}

#[derive(Clone, Debug)]
pub struct User {
    pub id: i64,
    pub agent_id: i64,
    /// Whether the agent's data set has tables, so that questions can be answered.
    pub is_live: bool,
    /// By their ids.
    pub sessions: Vec<Session>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: i64,
    pub messages: i64,
}

#[derive(Clone, Copy, Debug)]
pub struct Long {
    pub user_id: i64,
    pub session: Session,
}

impl Data {
    /// Those whose questions are answered by a statement.
    pub fn live(&self) -> impl Iterator<Item = &User> {
        self.users.iter().filter(|user| user.is_live)
    }
}

/// A question that is answered from the table of the live users, and its statement.
pub const QUESTION: &str = texts::LIVE_QUESTION;
/// What the search by titles finds some of.
pub const TITLE_WORD: &str = texts::TITLE_WORD;
/// What the search by words finds some of.
pub const CONTENT_WORD: &str = texts::CONTENT_WORD;
