//! What nobody needs a token for: health, and the API's description.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::sync::Semaphore;
use tonic::Status;

use super::receive;
use crate::{
    Error,
    held::hold,
    metrics::{By, refused},
};

/// How many streams of strangers there may be at once.
const STREAMS: usize = 1000;
/// What a probe asks: it has an answer for whoever comes.
const CHECK: &str = "/grpc.health.v1.Health/Check";

#[derive(Clone, Debug)]
pub(super) struct Strangers {
    streams: Arc<Semaphore>,
    patience: Duration,
}

impl Strangers {
    pub(super) fn new(patience: Duration) -> Self {
        Self { streams: Arc::new(Semaphore::new(STREAMS)), patience }
    }
}

pub(super) async fn serve(
    State(strangers): State<Strangers>,
    request: Request,
    next: Next,
) -> Response {
    let is_probe = request.uri().path() == CHECK;
    let request = receive::in_pieces(request, strangers.patience);
    if is_probe {
        return next.run(request).await;
    }
    match Arc::clone(&strangers.streams).try_acquire_owned() {
        Ok(place) => next.run(request).await.map(|body| hold(body, place)),
        Err(_) => {
            refused(By::Strangers);
            Status::from(Error::Overloaded).into_http()
        }
    }
}
