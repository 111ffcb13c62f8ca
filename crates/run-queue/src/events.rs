//! What happens to a run, from event to event: written by the worker that has
//! it, heard live by every service, and read again from a stream that is kept
//! for a day. Events can be lost, and the numbers show where.

mod live;
mod log;
mod reader;
mod wire;

pub use live::LiveEvents;
pub use log::EventLog;
pub use proto::v1::RunEvent;
pub use reader::{EventReader, ReadError, Replay};

use std::time::Duration;

/// Rises from event to event, and with the fence from attempt to attempt. `n`
/// counts the events of an attempt, from 1.
pub fn event_id(fence: i64, n: i64) -> i64 {
    (fence << 32) + n
}

/// Whether no event is lost between these two, the one being the last that was
/// seen, or 0. An attempt voids those before it, however many are lost of them.
pub fn is_next(seen: i64, id: i64) -> bool {
    if id >> 32 == seen >> 32 { id == seen + 1 } else { number(id) == 1 }
}

/// The place of an event in its attempt.
fn number(event_id: i64) -> i64 {
    event_id & i64::from(u32::MAX)
}

/// What a worker has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It has begun with the run, for the `number`th time.
    Attempt { number: i32 },
    /// The statement that is going to be executed.
    SqlGenerated(String),
    /// A statement did not succeed: the `number`th of the attempt.
    SqlError { reason: String, message: String, sql: String, number: i32 },
    /// The statement's result.
    Rows(Preview),
    /// The answer goes on with this text.
    TextDelta(String),
    /// The run's end was asked for.
    Cancelling,
    /// The run has ended without a worker.
    Ended(End),
    /// The attempt did not succeed, and there will be another one.
    Retrying { reason: String, message: String, after: Duration },
}

/// How a run ends without a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Cancelled,
    Expired,
    Failed,
}

/// The beginning of a result. The log takes of it what fits into an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    pub columns: Vec<String>,
    /// Values as Postgres prints them.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows the result has.
    pub row_count: i64,
    /// Which limit cut the rows, if one did.
    pub truncated_by: Option<TruncatedBy>,
    /// How many rows the statement has without any limit, if that is known.
    pub total_rows: Option<i64>,
}

/// Which limit cut the rows of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TruncatedBy {
    Rows,
    Bytes,
}

impl Preview {
    /// More rows than these are left out.
    pub const MAX_ROWS: usize = 20;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_rise_with_the_fence_before_the_count() {
        assert_eq!(event_id(1, 1), 0x1_0000_0001);
        assert_eq!(event_id(1, 2), event_id(1, 1) + 1);
        assert!(event_id(1, i64::from(u32::MAX)) < event_id(2, 1));
    }

    #[test]
    fn a_jump_within_an_attempt_or_at_its_beginning_is_a_loss() {
        assert!(is_next(0, event_id(1, 1)));
        assert!(is_next(event_id(1, 1), event_id(1, 2)));
        assert!(is_next(event_id(1, 7), event_id(3, 1)));

        assert!(!is_next(0, event_id(1, 2)));
        assert!(!is_next(event_id(1, 1), event_id(1, 3)));
        assert!(!is_next(event_id(1, 7), event_id(2, 2)));
    }
}
