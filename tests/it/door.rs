//! What every request passes, whatever it asks for.

mod connections;
mod deadlines;
mod hostile;
mod limits;
mod overload;
mod stalled;
mod tls;
mod turns;
mod untaken;

use dev::wire::{self, Answer, Wire};
use prost::Message;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::{Service, look_at, token};

/// A client that says what it is told to, and adds nothing.
struct Caller {
    wire: Wire,
    token: String,
}

impl Caller {
    async fn connect(service: &Service, user_id: i64) -> Self {
        let wire = Wire::connect(service.address()).await.expect("the service listens");
        Self { wire, token: token(user_id) }
    }

    fn request(&self, method: &str) -> http::request::Builder {
        wire::request(method, &self.token)
    }

    async fn ask(&self, method: &str, message: &impl Message) -> Answer {
        self.ask_with(self.request(method), message).await
    }

    /// Asks with a deadline, as `grpc-timeout` has it.
    async fn ask_within(&self, timeout: &str, method: &str, message: &impl Message) -> Answer {
        self.ask_with(self.request(method).header("grpc-timeout", timeout), message).await
    }

    async fn ask_with(&self, request: http::request::Builder, message: &impl Message) -> Answer {
        let request = request.body(()).expect("a request");
        let answer = self.wire.ask(request, wire::framed(message)).await;
        looked_at(answer.expect("there is an answer"))
    }
}

/// The answer, whose status is as all are.
#[track_caller]
fn looked_at(answer: Answer) -> Answer {
    [&answer.headers, &answer.trailers].into_iter().for_each(look_at);
    answer
}

/// The answer is this refusal.
#[track_caller]
fn assert_refused(answer: &Answer, code: Code, reason: &str) {
    let status = answer.status().map(|it| it.code());
    assert_eq!((status, answer.reason().as_deref()), (Some(code), Some(reason)), "{answer:?}");
    assert_eq!(answer.http_status, 200);
}

/// The answer is this refusal, and says whose quota is used up.
#[track_caller]
fn assert_over_quota(answer: &Answer, reason: &str, user_id: i64) {
    assert_refused(answer, Code::ResourceExhausted, reason);
    let status = answer.status().expect("it has one");
    let quota = status.get_details_quota_failure().expect("it says whose quota it is");
    let subjects: Vec<&str> = quota.violations.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(subjects, [format!("user:{user_id}")]);
    assert!(status.get_details_retry_info().is_some_and(|it| it.retry_delay.is_some()));
}

#[track_caller]
fn assert_ok(answer: &Answer) {
    let status = answer.status();
    assert_eq!(status.as_ref().map(|it| it.code()), Some(Code::Ok), "{status:?}");
}
