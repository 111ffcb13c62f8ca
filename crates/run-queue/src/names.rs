use std::time::Duration;

use async_nats::jetstream::{consumer, stream};

use crate::ACK_WAIT;

/// How long a wake-up is kept that no worker fetches. What is still due then is
/// published again within a minute.
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);

/// The names of the stream, its consumer and the subjects; a prefix keeps those
/// of several deployments on one NATS server apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    pub(crate) stream: String,
    pub(crate) consumer: String,
    pub(crate) wake_ups: String,
    pub(crate) ended: String,
}

impl Names {
    /// `prefix` is empty, or letters and digits.
    pub fn with_prefix(prefix: &str) -> Self {
        let (upper, lower) = match prefix {
            "" => (String::new(), String::new()),
            prefix => (format!("{prefix}_"), format!("{prefix}.")),
        };
        Self {
            stream: format!("{upper}RUNS"),
            consumer: "run-worker".to_owned(),
            wake_ups: format!("{lower}runs.wake-up"),
            ended: format!("{lower}runs.ended"),
        }
    }

    pub(crate) fn stream_config(&self) -> stream::Config {
        stream::Config {
            name: self.stream.clone(),
            subjects: vec![self.wake_ups.clone()],
            retention: stream::RetentionPolicy::WorkQueue,
            max_age: KEPT_FOR,
            ..Default::default()
        }
    }

    /// Deliveries without an end: what to give up is decided in Postgres. The
    /// bounds on unacknowledged messages and on waiting slots are out of the way.
    pub(crate) fn consumer_config(&self) -> consumer::pull::Config {
        consumer::pull::Config {
            durable_name: Some(self.consumer.clone()),
            ack_wait: ACK_WAIT,
            max_deliver: -1,
            max_ack_pending: 100_000,
            max_waiting: 100_000,
            ..Default::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_prefixes_share_no_stream_and_no_subject() {
        let (one, two, none) =
            (Names::with_prefix("a"), Names::with_prefix("b"), Names::with_prefix(""));

        for (left, right) in [(&one, &two), (&one, &none), (&two, &none)] {
            assert_ne!(left.stream, right.stream);
            assert_ne!(left.wake_ups, right.wake_ups);
            assert_ne!(left.ended, right.ended);
        }
    }
}
