//! Calls as they are on the wire, whatever their messages are.

use std::{future::poll_fn, pin::Pin, time::Duration};

use axum::body::{Body, HttpBody as _};
use prost::Message;
use tokio::time;
use tonic::{
    Code, Status,
    codegen::{
        Service as _,
        http::{HeaderMap, Request, header::DATE},
    },
};
use tonic_types::StatusExt as _;

use crate::harness::{Scrutinized, token};

/// Before each message: whether it is compressed, and its length.
const PREFIX: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

/// All of an answer but the time of day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    http_status: u16,
    headers: HeaderMap,
    pub(super) body: Vec<u8>,
    trailers: HeaderMap,
}

impl Answer {
    /// `OK`, or the reason for a refusal.
    pub(super) fn outcome(&self) -> String {
        let status = Status::from_header_map(&self.trailers)
            .or_else(|| Status::from_header_map(&self.headers))
            .expect("every answer ends with a status");
        match (status.code(), status.get_details_error_info()) {
            (Code::Ok, _) => "OK".to_owned(),
            (_, Some(info)) => info.reason,
            (code, None) => panic!("{code:?} without a reason: {status:?}"),
        }
    }

    /// Its only message.
    pub(super) fn message<T: Message + Default>(&self) -> T {
        let message = self.body.get(PREFIX..).expect("there is a message");
        T::decode(message).expect("it is of its type")
    }

    /// With another message.
    pub(super) fn with(&self, message: &impl Message) -> Self {
        Self { body: framed(&[message.encode_to_vec()]), ..self.clone() }
    }

    /// Everything that its receiver can read.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.body.clone();
        for (name, value) in self.headers.iter().chain(&self.trailers) {
            bytes.extend(name.as_str().bytes().chain(value.as_bytes().iter().copied()));
        }
        bytes
    }
}

/// Sends these messages as a user, and returns all that comes back.
pub(super) async fn call(
    channel: &Scrutinized,
    user_id: i64,
    rpc: &str,
    messages: &[Vec<u8>],
) -> Answer {
    let answering = answer(channel.clone(), user_id, rpc, messages);
    let answer = time::timeout(PATIENCE, answering).await;
    answer.unwrap_or_else(|_| panic!("{rpc} has not ended within a minute"))
}

async fn answer(mut channel: Scrutinized, user_id: i64, rpc: &str, messages: &[Vec<u8>]) -> Answer {
    let request = Request::post(format!("/tertulia.v1.{rpc}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        // Without it each answer has one of its own.
        .header("x-request-id", "any")
        .header("authorization", format!("Bearer {}", token(user_id)))
        .body(tonic::body::Body::new(Body::from(framed(messages))))
        .expect("it is a request");
    poll_fn(|context| channel.poll_ready(context)).await.expect("the service is there");
    let (mut head, mut stream) =
        channel.call(request).await.expect("the service answers").into_parts();

    head.headers.remove(DATE);
    let (http_status, headers) = (head.status.as_u16(), head.headers);
    let mut answer = Answer { http_status, headers, ..Default::default() };
    while let Some(frame) = poll_fn(|context| Pin::new(&mut stream).poll_frame(context)).await {
        match frame.expect("the answer comes to its end").into_data() {
            Ok(data) => answer.body.extend_from_slice(&data),
            Err(frame) => answer.trailers = frame.into_trailers().expect("nothing else is sent"),
        }
    }
    answer
}

fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    let frame = |message: &Vec<u8>| {
        let length = u32::try_from(message.len()).expect("messages are short");
        [&[0], &length.to_be_bytes()[..], message].concat()
    };
    messages.iter().flat_map(frame).collect()
}
