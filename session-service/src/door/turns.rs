//! Turns: how many are served at once, of each user and in all. Whoever comes meanwhile
//! stands in line: first behind the user's own, so that nobody is kept waiting by
//! another one's many, then behind the first of the others.
//!
//! A burst may take its time. A line that has not been empty for long is one of more
//! work than can be done: then those who can't be served soon are refused, or all would
//! be served late.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use storage::UserId;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{self, Instant},
};

use super::Bounds;
use crate::{
    Error,
    metrics::{By, refused},
};

/// Those of requests: a burst of many at once is worked off, and no more.
const OF_REQUESTS: Patience =
    Patience { burst: Duration::from_secs(10), sustained: Duration::from_millis(100) };

/// How long one waits in line.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// For so long a line may stand; who joins it until then waits as long for a turn.
    burst: Duration,
    /// In a line that has stood for longer.
    sustained: Duration,
}

#[derive(Clone, Debug)]
pub struct Turns(Arc<Lines>);

#[derive(Debug)]
struct Lines {
    bounds: Bounds,
    patience: Patience,
    all: Line,
    of_users: Mutex<HashMap<UserId, OfUser>>,
}

impl Turns {
    pub fn new(bounds: Bounds) -> Self {
        Self::with(bounds, OF_REQUESTS)
    }

    /// For what takes its time, and is waited for as long.
    pub(crate) fn of_long(bounds: Bounds, patience: Duration) -> Self {
        Self::with(bounds, Patience { burst: patience, sustained: patience })
    }

    fn with(bounds: Bounds, patience: Patience) -> Self {
        let (all, of_users) = (Line::new(bounds.in_all), Mutex::default());
        Self(Arc::new(Lines { bounds, patience, all, of_users }))
    }

    /// Waits for one of the user's turns, which is not yet one among all.
    pub(crate) async fn of(&self, user_id: UserId) -> Result<OwnTurn, Error> {
        let joined = Joined::new(&self.0, user_id);
        let turn = joined.line.turn(self.0.patience).await;
        let turn =
            turn.ok_or(Error::TooManyRequests { user_id, at_once: self.0.bounds.of_a_user })?;
        Ok(OwnTurn { _turn: turn, joined })
    }
}

/// A user's turn among the user's own.
#[derive(Debug)]
pub(crate) struct OwnTurn {
    // Given back before the line is left.
    _turn: OwnedSemaphorePermit,
    joined: Joined,
}

impl OwnTurn {
    /// Waits for a turn among all.
    pub(crate) async fn among_all(self) -> Result<Turn, Error> {
        let lines = Arc::clone(&self.joined.lines);
        let turn = lines.all.turn(lines.patience).await.ok_or(Error::Overloaded)?;
        Ok(Turn { _turn: turn, _own: self })
    }
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    _own: OwnTurn,
}

/// The line of a user who has a turn, or waits for one.
#[derive(Debug)]
struct OfUser {
    line: Arc<Line>,
    joined: usize,
}

#[derive(Debug)]
struct Line {
    turns: Arc<Semaphore>,
    /// When one who came did not have to wait.
    free_at: Mutex<Instant>,
}

impl Line {
    fn new(turns: u32) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(turns as usize)),
            free_at: Mutex::new(Instant::now()),
        }
    }

    /// Waits for a turn; there is none in time if there is none.
    async fn turn(&self, patience: Patience) -> Option<OwnedSemaphorePermit> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            *lock(&self.free_at) = Instant::now();
            return Some(turn);
        }
        let is_burst = lock(&self.free_at).elapsed() < patience.burst;
        let patience = if is_burst { patience.burst } else { patience.sustained };
        let turn = time::timeout(patience, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok);
        if turn.is_none() {
            refused(By::Turns);
        }
        turn
    }
}

/// Keeps a user's line for as long as somebody is in it.
#[derive(Debug)]
struct Joined {
    lines: Arc<Lines>,
    user_id: UserId,
    line: Arc<Line>,
}

impl Joined {
    fn new(lines: &Arc<Lines>, user_id: UserId) -> Self {
        let new = || OfUser { line: Arc::new(Line::new(lines.bounds.of_a_user)), joined: 0 };
        let mut of_users = lock(&lines.of_users);
        let of_user = of_users.entry(user_id).or_insert_with(new);
        of_user.joined += 1;
        Self { lines: Arc::clone(lines), user_id, line: Arc::clone(&of_user.line) }
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let mut of_users = lock(&self.lines.of_users);
        if let Some(of_user) = of_users.get_mut(&self.user_id) {
            of_user.joined -= 1;
            if of_user.joined == 0 {
                of_users.remove(&self.user_id);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: UserId = UserId(1);
    const TWO: UserId = UserId(2);
    const PATIENCE: Patience =
        Patience { burst: Duration::from_millis(300), sustained: Duration::ZERO };

    fn turns(in_all: u32, of_a_user: u32) -> Turns {
        Turns::with(Bounds { in_all, of_a_user }, PATIENCE)
    }

    async fn turn(turns: &Turns, user_id: UserId) -> Result<Turn, Error> {
        turns.of(user_id).await?.among_all().await
    }

    #[tokio::test]
    async fn one_users_many_wait_for_each_other_and_keep_nobody_else_waiting() {
        let turns = turns(2, 1);
        let first = turn(&turns, ONE).await.unwrap();
        let second = tokio::spawn({
            let turns = turns.clone();
            async move { turn(&turns, ONE).await }
        });
        tokio::task::yield_now().await;

        let other = time::timeout(Duration::ZERO, turn(&turns, TWO)).await;

        assert!(other.is_ok_and(|it| it.is_ok()), "the other one's turn is free");
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_line_that_does_not_get_empty_is_soon_not_joined_any_more() {
        let turns = turns(2, 1);
        let _going_on = turn(&turns, ONE).await.unwrap();
        let waited = async || {
            let began_at = Instant::now();
            let refused = turn(&turns, ONE).await;
            assert!(matches!(refused, Err(Error::TooManyRequests { at_once: 1, .. })));
            began_at.elapsed()
        };

        assert!(PATIENCE.burst <= waited().await);
        assert!(waited().await < PATIENCE.burst);
    }

    #[tokio::test]
    async fn what_can_not_be_done_in_time_for_all_is_overload() {
        let turns = turns(1, 1);
        let _going_on = turn(&turns, ONE).await.unwrap();
        assert!(matches!(turn(&turns, TWO).await, Err(Error::Overloaded)));
    }

    #[tokio::test]
    async fn nobody_is_remembered_who_has_left() {
        let turns = turns(9, 1);
        let first = turn(&turns, ONE).await.unwrap();
        turn(&turns, ONE).await.unwrap_err();
        drop(turn(&turns, TWO).await);
        assert_eq!(lock(&turns.0.of_users).keys().collect::<Vec<_>>(), [&ONE]);

        drop(first);

        assert!(lock(&turns.0.of_users).is_empty());
    }
}
