//! One provider's server: what is sent to it, how often, and how much at a time.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    Client, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
    redirect,
};
use tokio::{sync::Semaphore, time};
use trace_context::{TRACEPARENT, TraceContext};
use url::Url;

use super::{
    body::Body,
    breaker::{Breaker, Pass},
    config::Config,
    failure::Failure,
    key::ApiKey,
    pacing::Pacing,
    patience::Patience,
};
use crate::metrics::circuit_of;

const USER_AGENT: &str = concat!("tertulia/", env!("CARGO_PKG_VERSION"));
/// Of a body that says what is wrong.
const MAX_ERROR_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Endpoint {
    client: Client,
    base_url: Url,
    key: Option<ApiKey>,
    timeout: Duration,
    calls: Arc<Semaphore>,
    breaker: Breaker,
    pacing: Pacing,
}

impl Endpoint {
    pub(super) fn new(config: &Config, pacing: Pacing) -> Result<Self, reqwest::Error> {
        Ok(Self {
            client: client(&config.base_url, &pacing)?,
            base_url: config.base_url.clone(),
            key: config.api_key.clone(),
            timeout: config.timeout,
            calls: Arc::new(Semaphore::new(config.max_concurrent_calls)),
            breaker: Breaker::new(pacing.breaker, circuit_of(&config.name)),
            pacing,
        })
    }

    pub(super) fn key(&self) -> Option<&ApiKey> {
        self.key.as_ref()
    }

    /// For a call that begins now.
    pub(super) fn patience(&self) -> Patience {
        Patience::new(self.timeout, self.pacing.call)
    }

    /// How long a model that has said it all is waited for.
    pub(super) fn closing(&self) -> Duration {
        self.pacing.closing
    }

    /// Tries until there is an outcome, a failure that trying again can't mend, or no
    /// try or time left.
    pub(super) async fn retrying<T, Try>(
        &self,
        patience: Patience,
        attempt: impl Fn() -> Try,
    ) -> Result<T, Failure>
    where
        Try: Future<Output = Result<T, Failure>>,
    {
        let mut tried = 1;
        loop {
            let failure = match attempt().await {
                Ok(outcome) => return Ok(outcome),
                Err(failure) => failure,
            };
            let pause = self.pacing.pause(&failure, tried).filter(|it| patience.outlasts(*it));
            let Some(pause) = pause else {
                return Err(self.in_the_end(failure));
            };
            tracing::warn!(tried, ?pause, ?failure, "the model failed and is tried again");
            time::sleep(pause).await;
            tried += 1;
        }
    }

    fn in_the_end(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Transient { wait: Some(wait), .. } if wait > self.pacing.longest_wait => {
                Failure::busy(wait)
            }
            failure => failure,
        }
    }

    /// Sends a request once; the answer is a success whose body is still to be read.
    pub(super) async fn post(
        &self,
        path: &str,
        request: Bytes,
        patience: Patience,
    ) -> Result<Body, Failure> {
        // Those who wait for a call of a dead server would wait in vain.
        if let Some(remaining) = self.breaker.remaining() {
            return Err(Failure::busy(remaining));
        }
        let permit = time::timeout_at(patience.until(), self.calls.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| Failure::overloaded())?;
        let permit = permit.expect("the semaphore is never closed");
        let mut pass = self.breaker.pass().map_err(Failure::busy)?;

        match self.exchange(path, request, patience, &mut pass).await {
            Ok(response) => Ok(Body::new(response, patience, pass, permit)),
            Err(failure) => {
                match &failure {
                    Failure::Transient { .. } => pass.fail(),
                    Failure::Rejected(_) | Failure::Final(_) => pass.succeed(),
                }
                Err(failure)
            }
        }
    }

    async fn exchange(
        &self,
        path: &str,
        request: Bytes,
        patience: Patience,
        pass: &mut Pass,
    ) -> Result<Response, Failure> {
        let sent_bytes = request.len();
        let started = time::Instant::now();
        let mut call = self.client.post(join(&self.base_url, path)).body(request);
        call = call.header(CONTENT_TYPE, "application/json");
        call = call.header(ACCEPT, "text/event-stream, application/json");
        if let Some(key) = &self.key {
            call = call.header(AUTHORIZATION, key.header());
        }
        // The provider is not told what else the caller's tracing says.
        if let Some(trace) = TraceContext::current() {
            call = call.header(TRACEPARENT, trace.parent());
        }
        let response = time::timeout_at(patience.until(), call.send()).await;
        let response = response.map_err(|_| Failure::unreachable("no answer in time"))?;
        let response = response.map_err(|error| Failure::unreachable(error.without_url()))?;
        pass.answered();
        let status = response.status();
        let elapsed_ms = started.elapsed().as_millis();
        tracing::debug!(status = status.as_u16(), sent_bytes, elapsed_ms, "the model answers");
        if status == StatusCode::OK {
            return Ok(response);
        }
        Err(self.failure(response, patience).await)
    }

    async fn failure(&self, mut response: Response, patience: Patience) -> Failure {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(chunk)) = response.chunk().await {
                body.extend_from_slice(&chunk);
                if body.len() > MAX_ERROR_BYTES {
                    break;
                }
            }
        };
        // The status says enough if the body does not come.
        let _ = time::timeout_at(patience.until(), read).await;
        Failure::of(status, &headers, &body, self.key())
    }
}

fn client(base_url: &Url, pacing: &Pacing) -> Result<Client, reqwest::Error> {
    // Whoever was first has installed one as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(pacing.connect_timeout)
        .redirect(redirect::Policy::none())
        .no_proxy();
    match base_url.scheme() {
        "https" => client.https_only(true).build(),
        // Needs no certificates, and a slim image may have none.
        _ => client.tls_certs_only([]).build(),
    }
}

/// `Url::join` would drop the last part of the base's path.
fn join(base_url: &Url, path: &str) -> Url {
    let mut url = base_url.clone();
    url.set_path(&format!("{}/{path}", base_url.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_join(base: &str, expected: &str) {
        assert_eq!(join(&base.parse().unwrap(), "chat/completions").as_str(), expected);
    }

    #[test]
    fn the_path_of_the_base_is_kept() {
        check_join("https://a.example/v1", "https://a.example/v1/chat/completions");
        check_join("https://a.example/v1/", "https://a.example/v1/chat/completions");
        check_join("http://[::1]:8080", "http://[::1]:8080/chat/completions");
        check_join("https://a.example/a%20b/x", "https://a.example/a%20b/x/chat/completions");
    }

    #[test]
    fn a_client_can_be_built_without_anything_installed_before() {
        for base in ["http://localhost", "https://a.example"] {
            client(&base.parse().unwrap(), &Pacing::default()).unwrap();
        }
    }
}
