//! Calls as a careful caller makes them: again, to another service, until one answers.

use std::{collections::HashMap, error::Error as _, future::Future, time::Duration};

use prost::Message;
use proto::v1::run_service_client::RunServiceClient;
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status, transport::Endpoint};

use crate::demo::api::{Bearer, Client};

pub(super) type Runs = RunServiceClient<Client>;

/// How long no service may answer.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// What came of a call, and how many times it was made.
#[derive(Debug)]
pub(super) struct Called<T> {
    pub(super) result: Result<T, Status>,
    pub(super) attempts: u32,
}

/// A way to each service for one user; they connect when they are needed.
pub(super) fn connect(grpc: &[String], token: &str) -> anyhow::Result<Vec<Runs>> {
    let bearer = Bearer::new(token)?;
    let services = grpc.iter().map(|address| {
        let endpoint = Endpoint::try_from(format!("http://{address}"))?;
        let channel = endpoint.connect_timeout(Duration::from_secs(2)).connect_lazy();
        Ok(RunServiceClient::with_interceptor(channel, bearer.clone()))
    });
    services.collect()
}

/// Makes a call, first to the service `first`, then to the others in turn, until it is answered.
pub(super) async fn insist<S: Clone, T, F: Future<Output = Result<T, Status>>>(
    services: &[S],
    first: usize,
    each: Duration,
    call: impl Fn(S) -> F,
) -> Called<T> {
    let deadline = Instant::now() + PATIENCE;
    let mut attempts = 0;
    loop {
        let service = &services[first.wrapping_add(attempts as usize) % services.len()];
        attempts += 1;
        let late = || Err(Status::deadline_exceeded("no answer in time"));
        let result = timeout(each, call(service.clone())).await.unwrap_or_else(|_| late());
        match &result {
            Err(status) if may_pass(status) && Instant::now() < deadline => {
                sleep(PAUSE * attempts.min(10)).await;
            }
            _ => return Called { result, attempts },
        }
    }
}

/// Whether a call failed for a reason that another may not meet. A connection that breaks gives
/// any code, but a source too, which no server sends.
pub(super) fn may_pass(status: &Status) -> bool {
    let is_temporary = matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded);
    is_temporary || status.source().is_some()
}

/// The run that a session was busy with when a call was refused.
pub(super) fn busy_with(refusal: &Status) -> Option<i64> {
    let details = RpcStatus::decode(refusal.details()).ok()?.details;
    let infos = details.iter().filter_map(|it| ErrorInfo::decode(it.value.as_slice()).ok());
    let busy = infos.into_iter().find(|info| info.reason == "SESSION_BUSY")?;
    busy.metadata.get("run_id")?.parse().ok()
}

/// What is needed of `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// What is needed of `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(map = "string, string", tag = "3")]
    metadata: HashMap<String, String>,
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_broken_connection_may_pass_and_a_refusal_does_not() {
        assert!(may_pass(&Status::unavailable("draining")));
        assert!(may_pass(&Status::from_error(io::Error::other("reset").into())));
        assert!(!may_pass(&Status::internal("a fault of ours")));
        assert!(!may_pass(&Status::failed_precondition("busy")));
    }
}
