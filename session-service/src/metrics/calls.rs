//! Calls: how many, what came of them, and how long they took.

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use bootstrap::metrics::Histograms;
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use proto::v1::FILE_DESCRIPTOR_SET;
use tokio::time::Instant;
use tonic::Code;

use crate::{
    described::{self, CODES},
    error::reason,
};

const CALLS: &str = "tertulia_grpc_requests_total";
const IN_FLIGHT: &str = "tertulia_grpc_requests_in_flight";
const DURATION: &str = "tertulia_grpc_request_duration_seconds";
const ERRORS: &str = "tertulia_grpc_errors_total";

pub(super) const HISTOGRAMS: Histograms<'_> = &[(
    DURATION,
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0],
)];

/// What any method is called that there is not.
const UNKNOWN: &str = "unknown";

tokio::task_local! {
    static CALL: Arc<Call>;
}

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    let names = method_names().into_iter().chain([UNKNOWN.to_owned()]);
    names.map(|name| (format!("/{name}"), Method::new(name))).collect()
});

static BY_REASON: LazyLock<HashMap<&str, Counter>> = LazyLock::new(|| {
    let names = reason::ALL.iter().map(|it| it.name);
    names.map(|name| (name, counter!(ERRORS, "reason" => name))).collect()
});

/// The series of one method.
#[derive(Debug)]
struct Method {
    by_code: [Counter; CODES.len()],
    in_flight: Gauge,
    duration: Histogram,
}

impl Method {
    fn new(name: String) -> Self {
        Self {
            by_code: CODES.map(|code| counter!(CALLS, "method" => name.clone(), "code" => code)),
            in_flight: gauge!(IN_FLIGHT, "method" => name.clone()),
            duration: histogram!(DURATION, "method" => name),
        }
    }

    fn at(path: &str) -> &'static Self {
        let unknown = || METHODS.get("/unknown").expect("it is one of them");
        METHODS.get(path).unwrap_or_else(unknown)
    }
}

/// Those that the contract describes, and those of health and reflection.
fn method_names() -> Vec<String> {
    let mut names = vec![
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo".to_owned(),
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo".to_owned(),
    ];
    for set in [FILE_DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET] {
        names.extend(described::methods(set).iter().map(described::Method::name));
    }
    names
}

pub(super) fn register() {
    describe_counter!(
        CALLS,
        "Calls that have ended, by method and gRPC's code. CANCELLED: the caller has left. unknown \
         is any method that there is not."
    );
    describe_gauge!(IN_FLIGHT, "Calls that go on: of streams until their end.");
    describe_histogram!(
        DURATION,
        "How long calls are worked on: from their headers until their answer begins, or until \
         they only wait, for a run or for a server of others. What comes after, of streams, of \
         WaitRun and of StartRun with `wait`, does not count."
    );
    describe_counter!(ERRORS, "Errors that callers were told, by their reason (docs/errors.md).");
    LazyLock::force(&METHODS);
    LazyLock::force(&BY_REASON);
}

/// A caller was told of an error.
pub(crate) fn failed(reason: &str) {
    if let Some(counter) = BY_REASON.get(reason) {
        counter.increment(1);
    }
}

/// The call that this task works on only waits from now on.
pub(crate) fn waits() {
    // What is not a call is not measured.
    let _ = CALL.try_with(|call| call.is_worked());
}

/// A call, until what is left of it is dropped.
#[derive(Debug)]
pub(crate) struct Call {
    method: &'static Method,
    began_at: Instant,
    is_measured: AtomicBool,
    code: OnceLock<Code>,
}

impl Call {
    pub(crate) fn begin(path: &str) -> Arc<Self> {
        let method = Method::at(path);
        method.in_flight.increment(1);
        let (is_measured, code) = (AtomicBool::new(false), OnceLock::new());
        Arc::new(Self { method, began_at: Instant::now(), is_measured, code })
    }

    /// Has the work know which call it is for.
    pub(crate) async fn scope<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        CALL.scope(Arc::clone(self), work).await
    }

    /// Nothing more is done for it, but to send or to wait.
    pub(crate) fn is_worked(&self) {
        if !self.is_measured.swap(true, Ordering::Relaxed) {
            self.method.duration.record(self.began_at.elapsed());
        }
    }

    /// That is what came of it.
    pub(crate) fn ended(&self, code: Code) {
        // The first is what is sent.
        let _ = self.code.set(code);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.is_worked();
        let code = self.code.get().copied().unwrap_or(Code::Cancelled);
        self.method.by_code[code as usize].increment(1);
        self.method.in_flight.decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_series_of_its_own_and_others_share_theirs() {
        let names = method_names();
        let contract = names.iter().filter(|it| it.starts_with("tertulia.v1."));

        assert!(contract.count() > 20, "{names:?}");
        assert!(names.contains(&"grpc.health.v1.Health/Check".to_owned()), "{names:?}");
        let unknown = ["/", "/a", "/tertulia.v1.RunService/Nothing"].map(Method::at);
        assert!(unknown.iter().all(|it| std::ptr::eq(*it, unknown[0])));
        assert!(!std::ptr::eq(Method::at("/tertulia.v1.RunService/GetRun"), unknown[0]));
    }
}
