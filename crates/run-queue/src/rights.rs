//! What the services may do on NATS: what they need, and nothing else.

use crate::Names;

/// One of the two that use the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    SessionService,
    RunWorker,
}

impl Service {
    /// What NATS knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionService => "session-service",
            Self::RunWorker => "run-worker",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::SessionService => Self::RunWorker,
            Self::RunWorker => Self::SessionService,
        }
    }
}

/// The subjects, some of them with wildcards, that a service publishes to and
/// subscribes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    pub publish: Vec<String>,
    /// Where its replies come.
    pub replies: String,
    /// Where the other service tells it something.
    pub hear: Vec<String>,
}

impl Rights {
    pub fn of(service: Service, names: &Names) -> Self {
        let (publish, hear) = match service {
            Service::SessionService => {
                (of_session_service(names), vec![names.ended.clone(), names.all_events()])
            }
            Service::RunWorker => (of_run_worker(names), vec![names.cancel_requested.clone()]),
        };
        Self { publish, replies: format!("{}.>", names.inbox_of(service)), hear }
    }

    pub fn subscribe(&self) -> Vec<&str> {
        [&self.replies].into_iter().chain(&self.hear).map(String::as_str).collect()
    }
}

fn of_session_service(names: &Names) -> Vec<String> {
    let streams = [&names.stream, &names.events_stream, &names.dead_letters_stream];
    let mut subjects = of_both(names);
    subjects.push(names.cancel_requested.clone());
    subjects.extend(streams.into_iter().flat_map(|stream| making(stream)));
    subjects.push(format!("$JS.API.DIRECT.GET.{}", names.events_stream));
    subjects.push(format!("$JS.API.STREAM.PURGE.{}", names.events_stream));
    subjects
}

fn of_run_worker(names: &Names) -> Vec<String> {
    let Names { stream, consumer, .. } = names;
    let mut subjects = of_both(names);
    subjects.extend([
        format!("$JS.API.STREAM.INFO.{stream}"),
        format!("$JS.API.CONSUMER.CREATE.{stream}.{consumer}"),
        format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"),
        format!("$JS.ACK.{stream}.{consumer}.>"),
    ]);
    subjects
}

fn of_both(names: &Names) -> Vec<String> {
    let Names { wake_ups, ended, dead_letters, .. } = names;
    vec![wake_ups.clone(), ended.clone(), names.all_events(), dead_letters.clone()]
}

/// To make a stream, and again when it is gone.
fn making(stream: &str) -> [String; 2] {
    [format!("$JS.API.STREAM.INFO.{stream}"), format!("$JS.API.STREAM.CREATE.{stream}")]
}
