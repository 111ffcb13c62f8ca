//! Every error is looked at that a test gets by a client of the harness: it has a canonical
//! code, one reason of the catalogue, and tells nothing of the server's inside. What is
//! wrong fails the test. So are the failures of runs in what the steps of [`super::Api`]
//! and [`super::Watch`] return; not those in answers that a test takes for itself.

mod failures;
mod leaks;

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    thread,
};

use futures::future::BoxFuture;
use http_body::{Frame, SizeHint};
use session_service::error::reason::{self, Again, Reason};
use tonic::{
    Code, Status,
    body::Body,
    codegen::{Bytes, Service, http::HeaderMap},
    transport::Channel,
};
use tonic_types::{ErrorDetail, ErrorInfo, StatusExt as _};

pub(super) use failures::{look_at_answer, look_at_event, look_at_run};

/// What all clients can take of headers, and of trailers.
const MAX_BYTES: usize = 8 * 1024;

/// What was wrong with the errors of a service. A panic may get lost in a task; this is
/// looked at when the service is dropped.
#[derive(Default)]
pub(super) struct Scrutiny(Findings);

#[derive(Clone, Default)]
struct Findings(Arc<Mutex<Vec<String>>>);

impl Scrutiny {
    /// The same channel, looked through.
    pub(super) fn of(&self, channel: Channel) -> Scrutinized {
        Scrutinized { channel, findings: self.0.clone() }
    }
}

impl Drop for Scrutiny {
    fn drop(&mut self) {
        let findings = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(thread::panicking() || findings.is_empty(), "{findings:#?}");
    }
}

impl Findings {
    #[track_caller]
    fn look(&self, headers: &HeaderMap) {
        if let Err(finding) = check_headers(headers) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(finding.clone());
            panic!("{finding}");
        }
    }
}

/// Looks at headers, or trailers, that have come by another way than a [`Scrutinized`]
/// channel.
#[track_caller]
pub(crate) fn look_at(headers: &HeaderMap) {
    check_headers(headers).unwrap_or_else(|finding| panic!("{finding}"));
}

fn check_headers(headers: &HeaderMap) -> Result<(), String> {
    let Some(status) = Status::from_header_map(headers) else { return Ok(()) };
    check(&status).map_err(|problem| format!("{problem}: {status:?}"))
}

/// Says what is wrong with an error.
fn check(status: &Status) -> Result<(), String> {
    if status.code() == Code::Ok {
        return Ok(());
    }
    let details = status.check_error_details_vec().map_err(|error| error.to_string())?;
    let (info, reason) = info(&details)?;
    if reason.code != status.code() {
        return Err(format!("{} belongs to {:?}", reason.name, reason.code));
    }
    let has_retry_info = details.iter().any(|it| matches!(it, ErrorDetail::RetryInfo(_)));
    if has_retry_info != (reason.again == Again::Later) {
        return Err("the catalogue says otherwise of trying again".to_owned());
    }
    if MAX_BYTES < status.message().len() + status.details().len() * 4 / 3 {
        return Err("it is too large for headers".to_owned());
    }
    if status.message().is_empty() {
        return Err("it has no message".to_owned());
    }
    for text in texts(status, info, &details) {
        leaks::check(&said(reason.name, text))?;
    }
    Ok(())
}

/// The one reason, as it is and as the catalogue has it.
fn info(details: &[ErrorDetail]) -> Result<(&ErrorInfo, Reason), String> {
    let infos = details.iter().filter_map(|it| match it {
        ErrorDetail::ErrorInfo(info) => Some(info),
        _ => None,
    });
    let [info] = infos.collect::<Vec<_>>()[..] else {
        return Err("it has not one ErrorInfo".to_owned());
    };
    if info.domain != "tertulia.v1" {
        return Err("its domain is not ours".to_owned());
    }
    let reason = reason::ALL.iter().find(|it| it.name == info.reason);
    reason.map(|it| (info, *it)).ok_or_else(|| "its reason is not in the catalogue".to_owned())
}

/// All that it says.
fn texts<'a>(
    status: &'a Status,
    info: &'a ErrorInfo,
    details: &'a [ErrorDetail],
) -> impl Iterator<Item = &'a str> {
    let fields = details.iter().flat_map(|it| match it {
        ErrorDetail::BadRequest(it) => it.field_violations.as_slice(),
        _ => &[],
    });
    let limits = details.iter().flat_map(|it| match it {
        ErrorDetail::QuotaFailure(it) => it.violations.as_slice(),
        _ => &[],
    });
    let fields = fields.flat_map(|it| [it.field.as_str(), it.description.as_str()]);
    let texts = fields.chain(limits.map(|it| it.description.as_str()));
    texts.chain(info.metadata.values().map(String::as_str)).chain([status.message()])
}

/// What we say ourselves. A user's own data, and what a data source calls things, is in
/// quotes, where it can be.
fn said(reason: &str, text: &str) -> String {
    if ["CSV_INVALID", "DATA_SOURCE_FAILED", "SQL_FAILED"].contains(&reason) {
        text.split('"').step_by(2).collect()
    } else {
        text.to_owned()
    }
}

/// A channel whose errors are looked at.
#[derive(Clone)]
pub(crate) struct Scrutinized {
    channel: Channel,
    findings: Findings,
}

impl Service<tonic::codegen::http::Request<Body>> for Scrutinized {
    type Response = tonic::codegen::http::Response<Body>;
    type Error = tonic::transport::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.channel.poll_ready(context)
    }

    fn call(&mut self, request: tonic::codegen::http::Request<Body>) -> Self::Future {
        let answer = self.channel.call(request);
        let findings = self.findings.clone();
        Box::pin(async move {
            let response = answer.await?;
            findings.look(response.headers());
            Ok(response.map(|body| Body::new(Answer { body, findings })))
        })
    }
}

/// A response's body, whose trailers are looked at.
struct Answer {
    body: Body,
    findings: Findings,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            self.findings.look(trailers);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
