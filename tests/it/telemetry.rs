//! What operators see of a call and of a run: its trace, and its lines in the logs. The pair runs as
//! processes, and sends to a collector that is the test's.

mod away;
mod collector;
mod lines;
mod panics;
mod redaction;
mod request_ids;
mod sampling;
mod traces;

use std::time::Duration;

use proto::v1 as pb;
use serde_json::json;
use tonic::{Request, Response, Status};

use crate::harness::{Api, ModelServer};

/// A caller's span.
const CALLER: [&str; 2] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];

fn traceparent([trace, span]: [&str; 2]) -> String {
    format!("00-{trace}-{span}-01")
}

/// The model server, for `MODEL_PROVIDERS`.
fn providers(server: &ModelServer) -> String {
    let provider = json!({
        "name": "fake", "base_url": server.base_url(), "models": ["chat"],
        "structured_output": "off", "timeout_seconds": 20,
    });
    json!([provider]).to_string()
}

/// A message with these headers.
fn with<T>(message: T, headers: &[(&'static str, &str)]) -> Request<T> {
    let mut request = Request::new(message);
    for (name, value) in headers {
        request.metadata_mut().insert(*name, value.parse().expect("it is ASCII"));
    }
    request
}

/// Asks with these headers, and waits for the answer if `wait` says so.
async fn ask(
    api: &Api,
    session_id: i64,
    question: &str,
    headers: &[(&'static str, &str)],
    wait: Duration,
) -> Result<Response<pb::StartRunResponse>, Status> {
    let wait = Some(prost_types::Duration { seconds: wait.as_secs() as i64, nanos: 0 });
    let question = question.to_owned();
    let request = pb::StartRunRequest { session_id, question, wait, ..Default::default() };
    api.runs.clone().start_run(with(request, headers)).await
}

const PATIENTLY: Duration = Duration::from_secs(60);
const NOT_AT_ALL: Duration = Duration::ZERO;
