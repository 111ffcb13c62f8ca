use std::time::Duration;

use async_nats::jetstream::{consumer, stream};

use crate::{ACK_WAIT, Service};

/// How long a wake-up is kept that no worker fetches. What is still due then is
/// published again within a minute.
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);
const EVENTS_KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
const EVENTS_MAX_BYTES: i64 = 512 * 1024 * 1024;
const EVENTS_PER_RUN: i64 = 10_000;
const DEAD_LETTERS_KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DEAD_LETTERS_MAX_BYTES: i64 = 64 * 1024 * 1024;

/// The names of the streams, the consumer and the subjects; a prefix keeps those
/// of several deployments on one NATS server apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    pub(crate) stream: String,
    pub(crate) consumer: String,
    pub(crate) wake_ups: String,
    pub(crate) ended: String,
    pub(crate) cancel_requested: String,
    pub(crate) events_stream: String,
    /// The runs' subjects are below this one.
    events: String,
    /// All subjects but the inboxes are below this one.
    runs: String,
    pub(crate) dead_letters_stream: String,
    pub(crate) dead_letters: String,
    /// With a service's name behind it, that service's own.
    inboxes: String,
}

impl Names {
    /// `prefix` is empty, or letters and digits.
    pub fn with_prefix(prefix: &str) -> Self {
        let (upper, lower) = match prefix {
            "" => (String::new(), String::new()),
            prefix => (format!("{prefix}_"), format!("{prefix}.")),
        };
        let runs = format!("{lower}runs");
        Self {
            stream: format!("{upper}RUNS"),
            consumer: "run-worker".to_owned(),
            wake_ups: format!("{runs}.wake-up"),
            ended: format!("{runs}.ended"),
            cancel_requested: format!("{runs}.cancel-requested"),
            events_stream: format!("{upper}RUN_EVENTS"),
            events: format!("{runs}.events"),
            dead_letters_stream: format!("{upper}RUN_DEAD_LETTERS"),
            dead_letters: format!("{runs}.dead-letter"),
            inboxes: format!("_INBOX.{lower}"),
            runs,
        }
    }

    /// What happens to a run.
    pub(crate) fn events_of(&self, run_id: i64) -> String {
        format!("{}.{run_id}", self.events)
    }

    /// What happens to all runs.
    pub(crate) fn all_events(&self) -> String {
        format!("{}.*", self.events)
    }

    /// What the services send to each other and to the streams.
    pub fn all_messages(&self) -> String {
        format!("{}.>", self.runs)
    }

    /// Where a service gets its replies, and nobody else.
    pub(crate) fn inbox_of(&self, service: Service) -> String {
        format!("{}{}", self.inboxes, service.name())
    }

    /// All streams that there are to be, each on as many servers.
    pub(crate) fn stream_configs(&self, num_replicas: usize) -> [stream::Config; 3] {
        [self.queue_config(), self.events_config(), self.dead_letters_config()]
            .map(|config| stream::Config { num_replicas, ..config })
    }

    fn queue_config(&self) -> stream::Config {
        stream::Config {
            name: self.stream.clone(),
            subjects: vec![self.wake_ups.clone()],
            retention: stream::RetentionPolicy::WorkQueue,
            max_age: KEPT_FOR,
            ..Default::default()
        }
    }

    /// The oldest events go first, those of a run that has too many as well.
    fn events_config(&self) -> stream::Config {
        stream::Config {
            name: self.events_stream.clone(),
            subjects: vec![self.all_events()],
            max_age: EVENTS_KEPT_FOR,
            max_bytes: EVENTS_MAX_BYTES,
            max_messages_per_subject: EVENTS_PER_RUN,
            allow_direct: true,
            ..Default::default()
        }
    }

    fn dead_letters_config(&self) -> stream::Config {
        stream::Config {
            name: self.dead_letters_stream.clone(),
            subjects: vec![self.dead_letters.clone()],
            max_age: DEAD_LETTERS_KEPT_FOR,
            max_bytes: DEAD_LETTERS_MAX_BYTES,
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
    fn every_stream_is_on_as_many_servers() {
        for config in Names::with_prefix("").stream_configs(3) {
            assert_eq!(config.num_replicas, 3, "{}", config.name);
        }
    }

    #[test]
    fn two_prefixes_share_no_stream_and_no_subject() {
        let (one, two, none) =
            (Names::with_prefix("a"), Names::with_prefix("b"), Names::with_prefix(""));

        for (left, right) in [(&one, &two), (&one, &none), (&two, &none)] {
            assert_ne!(left.stream, right.stream);
            assert_ne!(left.wake_ups, right.wake_ups);
            assert_ne!(left.ended, right.ended);
            assert_ne!(left.cancel_requested, right.cancel_requested);
            assert_ne!(left.events_stream, right.events_stream);
            assert_ne!(left.all_events(), right.all_events());
            assert_ne!(left.events_of(1), right.events_of(1));
            assert_ne!(left.dead_letters_stream, right.dead_letters_stream);
            assert_ne!(left.dead_letters, right.dead_letters);
            assert_ne!(left.inbox_of(Service::RunWorker), right.inbox_of(Service::RunWorker));
        }
    }
}
