//! Connections: accepting them, what is spoken on them, and when they end.

mod activity;
mod gathered;
mod untaken;

use std::{convert::Infallible, io, mem, pin::pin, sync::Arc, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use rand::Rng as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{self, Instant},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    activity::{Activity, Heard},
    gathered::gather,
    untaken::{Offered, Offers},
};
use crate::{
    door::Entrance,
    held::Held,
    metrics::{By, connected, refused},
    tls::Tls,
};

/// How many requests of a connection may be cancelled before they are looked at. A
/// page that is left cancels many at once; more are an attack.
const MAX_PENDING_RESETS: usize = 200;
/// How often a silent connection is asked for a sign of life, and how long it may take.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// How much larger than allowed headers are still read, to be refused in gRPC's terms.
const HEADERS_READ: u32 = 4;
/// How long what still goes on at the end of a connection may take to say farewell.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long to leave the listener alone when the process has no file descriptor left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

tokio::task_local! {
    static ENDING: CancellationToken;
}

/// Cancelled at the end of the connection whose request this task works on.
pub(crate) fn ending() -> Option<CancellationToken> {
    ENDING.try_with(CancellationToken::clone).ok()
}

/// What a connection may be and do.
#[derive(Clone, Debug)]
pub struct Limits {
    pub max_connections: u32,
    pub max_concurrent_streams: u32,
    pub max_header_bytes: u32,
    /// For how long a client may take to say what it speaks.
    pub handshake: Duration,
    /// After how long without a request a connection is closed.
    pub idle: Duration,
    /// After how long a connection is closed for others to be balanced anew, and how
    /// long its requests may go on then.
    pub age: Duration,
    pub grace: Duration,
    pub patience: Patience,
}

/// How long clients may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To send a message; of a stream, each piece.
    pub request: Duration,
    /// To take a piece of an answer.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { request: Duration::from_secs(30), answer: Duration::from_secs(60) }
    }
}

/// Serves connections until `shutdown` is cancelled, then lets their requests come to
/// their end.
pub(crate) async fn serve(
    listener: TcpListener,
    entrance: Entrance,
    tls: Option<Tls>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.max_connections as usize));
    let (entrance, limits) = (Arc::new(entrance), Arc::new(limits));
    let connections = TaskTracker::new();
    let mut is_full = false;
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            // The client's affair, and not the listener's.
            Err(error) if is_of_the_client(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let place = Arc::clone(&places).try_acquire_owned();
        let was_full = mem::replace(&mut is_full, place.is_err());
        let Ok(place) = place else {
            refused(By::Connections);
            if !was_full {
                tracing::warn!("connections are refused: there are MAX_CONNECTIONS already");
            }
            continue;
        };
        let connection = Connection {
            entrance: Arc::clone(&entrance),
            tls: tls.clone(),
            limits: Arc::clone(&limits),
            shutdown: shutdown.clone(),
        };
        connections.spawn(async move {
            let _counted = connected();
            connection.serve(stream).await;
            drop(place);
        });
    }
    // Whoever connects from here on is told at once that nobody listens.
    drop(listener);
    connections.close();
    connections.wait().await;
}

struct Connection {
    entrance: Arc<Entrance>,
    tls: Option<Tls>,
    limits: Arc<Limits>,
    shutdown: CancellationToken,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let accepted_at = Instant::now();
        // It fails for a connection that is gone, which is noticed soon enough.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return self.speak(stream, accepted_at).await };
        let agreed = time::timeout(self.limits.handshake, tls.accept(stream));
        let agreed = tokio::select! {
            agreed = agreed => agreed,
            () = self.shutdown.cancelled() => return,
        };
        match agreed {
            Ok(Ok(stream)) => self.speak(stream, accepted_at).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS was agreed on"),
            Err(_) => tracing::debug!("no TLS was agreed on in time"),
        }
    }

    async fn speak<S>(&self, stream: S, accepted_at: Instant)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (activity, ending) = (Activity::new(), self.shutdown.child_token());
        let offers = Offers::default();
        let patience = self.limits.patience.answer;
        let (stream, outgoing) = gather(Heard::new(stream, activity.clone()));
        let service = self.service(activity.clone(), offers.clone(), ending.clone());
        let builder = self.builder();
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let silent = activity.silent(accepted_at + self.limits.handshake);
        let age = time::sleep(with_jitter(self.limits.age));
        let (mut silent, mut age) = (pin!(silent), pin!(age));
        let mut idle = pin!(activity.idle(self.limits.idle));
        let mut untaken = pin!(offers.withdraw_untaken(patience));
        tokio::select! {
            () = outgoing.drive(connection.as_mut()) => return outgoing.send_rest(patience).await,
            () = &mut silent => return,
            () = &mut idle => (),
            () = &mut age => (),
            () = self.shutdown.cancelled() => (),
            never = &mut untaken => match never {},
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            () = outgoing.drive(connection.as_mut()) => outgoing.send_rest(patience).await,
            // One who asks for nothing need not agree to the end.
            () = activity.idle(self.limits.handshake) => (),
            // A server that stops has a bound of its own.
            () = time::sleep(self.limits.grace) => {
                ending.cancel();
                if time::timeout(FAREWELL, outgoing.drive(connection.as_mut())).await.is_err() {
                    tracing::debug!("a connection was cut off");
                }
            }
            never = untaken => match never {},
        }
    }

    /// Has the door answer requests. They go on until their answers are taken, or withdrawn.
    fn service(
        &self,
        activity: Activity,
        offers: Offers,
        ending: CancellationToken,
    ) -> impl Service<
        Request<Incoming>,
        Response = Response<Offered>,
        Error = Infallible,
        Future: Send + 'static,
    > + use<> {
        let entrance = Arc::clone(&self.entrance);
        service_fn(move |request: Request<Incoming>| {
            let (entrance, offers) = (Arc::clone(&entrance), offers.clone());
            let going_on = activity.begin();
            let answered = async move { entrance.answer(request.map(Body::new)).await };
            let answered = Box::pin(ENDING.scope(ending.clone(), answered));
            async move {
                let response = answered.await;
                Ok(response.map(|body| offers.offer(Held::new(body, going_on))))
            }
        })
    }

    fn builder(&self) -> Builder<TokioExecutor> {
        let header_bytes = self.limits.max_header_bytes.saturating_mul(HEADERS_READ);
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            // It runs between requests, too: these connections idle for as long only.
            .header_read_timeout(self.limits.handshake)
            .max_buf_size(header_bytes as usize);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.max_concurrent_streams)
            .max_header_list_size(header_bytes)
            .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
            .keep_alive_interval(KEEPALIVE_EVERY)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        builder
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A tenth more or less, or all connections that began together would end together.
fn with_jitter(age: Duration) -> Duration {
    age.mul_f64(rand::rng().random_range(0.9..1.1))
}
