//! A server that publishes keys, or fails to.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Response, StatusCode, header::LOCATION},
};
use session_service::auth::Source;
use tokio::{net::TcpListener, task::JoinHandle};

/// What the issuer answers with.
#[derive(Clone)]
pub(super) enum Answer {
    Keys(String),
    Status(StatusCode),
    /// Says that the keys are at another path, where they are.
    Elsewhere(String),
    Silence,
}

/// Answers alike until it is told otherwise.
pub(super) struct Issuer {
    address: SocketAddr,
    state: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    answer: Mutex<Answer>,
    asked: AtomicUsize,
}

impl Issuer {
    pub(super) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let state = Arc::new(Shared { answer: Mutex::new(answer), asked: AtomicUsize::new(0) });
        let router = Router::new()
            .route("/elsewhere", axum::routing::get(elsewhere))
            .fallback(publish)
            .with_state(Arc::clone(&state));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is dropped");
        });
        Self { address, state, task }
    }

    pub(super) fn source(&self) -> Source {
        let url = format!("http://{}/keys", self.address);
        Source::JwksUrl(url.parse().expect("it is on this machine"))
    }

    pub(super) fn answer(&self, answer: Answer) {
        *self.state.answer.lock().expect("nobody panics with it") = answer;
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn publish(State(state): State<Arc<Shared>>) -> Response<Body> {
    state.asked.fetch_add(1, Ordering::SeqCst);
    let answer = state.answer.lock().expect("nobody panics with it").clone();
    let mut response = Response::new(Body::empty());
    match answer {
        Answer::Keys(keys) => *response.body_mut() = Body::from(keys),
        Answer::Status(status) => *response.status_mut() = status,
        Answer::Elsewhere(_) => {
            *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            response.headers_mut().insert(LOCATION, "/elsewhere".parse().expect("a path"));
        }
        Answer::Silence => std::future::pending().await,
    }
    response
}

async fn elsewhere(State(state): State<Arc<Shared>>) -> String {
    let answer = state.answer.lock().expect("nobody panics with it").clone();
    match answer {
        Answer::Elsewhere(keys) => keys,
        _ => String::new(),
    }
}
