//! How often a user may call: a bucket of tokens each, filled at a constant rate.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use governor::{DefaultKeyedRateLimiter, Quota, clock::Clock as _};
use storage::UserId;
use tonic::Status;

use crate::{Error, auth::Caller};

/// How often those who have not called for a while are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Rate {
    buckets: Arc<DefaultKeyedRateLimiter<UserId>>,
    per_second: NonZeroU32,
}

impl Rate {
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self { buckets: Arc::new(DefaultKeyedRateLimiter::keyed(quota)), per_second }
    }

    /// Forgets those whose buckets are full again, for ever.
    pub async fn forget(self) {
        loop {
            tokio::time::sleep(FORGET_EVERY).await;
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
        }
    }

    fn check(&self, user_id: UserId) -> Result<(), Error> {
        self.buckets.check_key(&user_id).map_err(|refused| {
            let retry_after = refused.wait_time_from(self.buckets.clock().now());
            Error::RateLimited { user_id, per_second: self.per_second.get(), retry_after }
        })
    }
}

pub(super) async fn take(State(rate): State<Rate>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>();
    let checked = caller.ok_or(Error::Unauthenticated).and_then(|it| rate.check(it.user_id));
    match checked {
        Ok(()) => next.run(request).await,
        Err(error) => Status::from(error).into_http(),
    }
}
