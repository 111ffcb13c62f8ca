//! What could not be worked on, for operators to look at.

use std::time::SystemTime;

use proto::v1 as pb;

/// Something that is put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLetter {
    /// A run that was given up: its workers died of it.
    Exhausted { run_id: i64, fence: i64 },
    /// A message on the queue that is not one of ours. See
    /// [`Delivery::malformed`](crate::Delivery::malformed).
    Malformed { payload: Vec<u8>, stream_sequence: u64 },
}

impl DeadLetter {
    /// The server drops what has the same id as a letter of the last two minutes.
    pub(crate) fn message_id(&self) -> String {
        match self {
            Self::Exhausted { run_id, fence } => format!("{run_id}:{fence}"),
            Self::Malformed { stream_sequence, .. } => format!("malformed:{stream_sequence}"),
        }
    }

    /// `max_payload` is how much of a malformed message there is room for.
    pub(crate) fn into_pb(self, max_payload: usize) -> pb::DeadLetter {
        let (run_id, reason, mut payload) = match self {
            Self::Exhausted { run_id, .. } => (run_id, "ATTEMPTS_EXHAUSTED", Vec::new()),
            Self::Malformed { payload, .. } => (0, "MALFORMED_MESSAGE", payload),
        };
        payload.truncate(max_payload);
        let time = Some(SystemTime::now().into());
        pb::DeadLetter { run_id, reason: reason.to_owned(), payload, time }
    }
}
