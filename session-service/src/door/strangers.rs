//! What nobody needs a token for: health, and the API's description. What there is not is
//! answered here, too.

use std::{sync::Arc, time::Duration};

use axum::{extract::Request, response::Response};
use tokio::sync::Semaphore;
use tonic::{body::Body, service::Routes};
use tower::ServiceExt as _;

use super::{answer::Answer, receive::Received};
use crate::{
    Error,
    held::Held,
    metrics::{By, refused},
};

/// How many streams of strangers there may be at once.
const STREAMS: usize = 1000;
/// What a probe asks: it has an answer for whoever comes.
const CHECK: &str = "/grpc.health.v1.Health/Check";

#[derive(Debug)]
pub(super) struct Strangers {
    routes: Routes,
    streams: Arc<Semaphore>,
    patience: Duration,
}

impl Strangers {
    pub(super) fn new(routes: Routes, patience: Duration) -> Self {
        Self { routes, streams: Arc::new(Semaphore::new(STREAMS)), patience }
    }

    pub(super) async fn serve(&self, request: Request) -> Result<Response<Answer>, Error> {
        let is_probe = request.uri().path() == CHECK;
        let request = request.map(|body| Received::in_pieces(body, self.patience));
        let routes = self.routes.clone();
        if is_probe {
            let Ok(response) = routes.oneshot(request).await;
            return Ok(response.map(|body| Answer::new(Body::new(body))));
        }
        let place = Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            refused(By::Strangers);
            Error::Overloaded
        })?;
        let Ok(response) = routes.oneshot(request).await;
        Ok(response.map(|body| Answer::new(Body::new(Held::new(body, place)))))
    }
}
