//! A server that speaks OpenAI's protocol, or fails to, as a script says.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, StatusCode, Uri},
};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// What the server does with one request.
pub(crate) enum Reply {
    /// An answer with this status, these headers and this body.
    Plain(u16, Vec<(&'static str, String)>, String),
    /// A body that comes in these chunks.
    Chunks(Vec<Vec<u8>>, Ending),
    /// No answer at all.
    Silence,
}

/// What follows the last chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Proper,
    /// The connection breaks.
    Cut,
    /// Nothing more comes.
    Hang,
    /// The last chunk again and again.
    Repeat,
    /// The same, a few times a second.
    Drip,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

/// Gives its replies in order, and the last one again for what comes after.
pub(crate) struct ModelServer {
    pub address: SocketAddr,
    script: Arc<Script>,
    task: JoinHandle<()>,
}

struct Script {
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<Seen>>,
    /// How many requests are being answered.
    open: watch::Sender<usize>,
}

impl ModelServer {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let script = Arc::new(Script {
            replies: Mutex::new(replies.into_iter().collect()),
            seen: Mutex::default(),
            open: watch::Sender::new(0),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves until it is dropped");
        });
        Self { address, script, task }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().expect("nobody panics with it").clone()
    }

    /// Replaces what is left of the script.
    pub(crate) fn go_on(&self, replies: impl IntoIterator<Item = Reply>) {
        *self.script.replies.lock().expect("nobody panics with it") = replies.into_iter().collect();
    }

    /// Waits until so many requests are being answered.
    pub(crate) async fn has_open(&self, count: usize) {
        let mut open = self.script.open.subscribe();
        let waited =
            tokio::time::timeout(Duration::from_secs(10), open.wait_for(|it| *it == count));
        assert!(waited.await.is_ok(), "{} requests are open", *self.script.open.borrow());
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Counts a request until its answer is sent, or nobody wants it any more.
struct Open(Arc<Script>);

impl Open {
    fn new(script: &Arc<Script>) -> Self {
        script.open.send_modify(|it| *it += 1);
        Self(Arc::clone(script))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.send_modify(|it| *it -= 1);
    }
}

async fn answer(
    State(script): State<Arc<Script>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let open = Open::new(&script);
    let body = serde_json::from_slice(&body).expect("a request is JSON");
    script.seen.lock().expect("nobody panics with it").push(Seen {
        path: uri.path().to_owned(),
        headers,
        body,
    });
    let reply = script.next();
    match reply {
        Reply::Silence => std::future::pending().await,
        Reply::Plain(status, headers, body) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = StatusCode::from_u16(status).expect("a status");
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().expect("a header's value"));
            }
            response
        }
        Reply::Chunks(chunks, ending) => {
            Response::new(Body::from_stream(body_of(chunks, ending, open)))
        }
    }
}

fn body_of(
    chunks: Vec<Vec<u8>>,
    ending: Ending,
    open: Open,
) -> impl stream::Stream<Item = Result<Vec<u8>, std::io::Error>> {
    let last = chunks.last().cloned().unwrap_or_default();
    let end = match ending {
        Ending::Proper => stream::empty().boxed(),
        Ending::Cut => stream::once(flushed(Err(std::io::Error::other("cut")))).boxed(),
        Ending::Hang => stream::pending().boxed(),
        Ending::Drip => stream::repeat(last).then(dripped).boxed(),
        Ending::Repeat => stream::repeat_with(move || Ok(last.clone())).boxed(),
    };
    let chunks = stream::iter(chunks).then(|chunk| flushed(Ok(chunk)));
    chunks.chain(end).inspect(move |_| {
        let _ = &open;
    })
}

async fn dripped<T, E>(item: T) -> Result<T, E> {
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(item)
}

/// The item, after the server had a chance to send what came before.
async fn flushed<T>(item: T) -> T {
    tokio::task::yield_now().await;
    item
}

impl Script {
    fn next(&self) -> Reply {
        let mut replies = self.replies.lock().expect("nobody panics with it");
        if replies.len() > 1 {
            return replies.pop_front().expect("there are two at least");
        }
        replies.front().expect("the script is not empty").again()
    }
}

impl Reply {
    fn again(&self) -> Self {
        match self {
            Self::Plain(status, headers, body) => {
                Self::Plain(*status, headers.clone(), body.clone())
            }
            Self::Chunks(chunks, ending) => Self::Chunks(chunks.clone(), *ending),
            Self::Silence => Self::Silence,
        }
    }

    /// A streamed answer of these texts, as it should be.
    pub(crate) fn says(texts: &[&str]) -> Self {
        Self::Chunks(vec![speech(texts).into_bytes()], Ending::Proper)
    }

    /// An answer without success.
    pub(crate) fn fails(status: u16) -> Self {
        Self::refuses(status, "it failed")
    }

    /// The same, saying why.
    pub(crate) fn refuses(status: u16, message: &str) -> Self {
        let body = json!({"error": {"message": message}});
        Self::Plain(status, Vec::new(), body.to_string())
    }

    /// An answer of JSON, at once.
    pub(crate) fn json(body: &Value) -> Self {
        Self::Plain(200, vec![("content-type", "application/json".to_owned())], body.to_string())
    }
}

/// A piece of a stream.
pub(crate) fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// The event of a text.
pub(crate) fn delta(text: &str) -> String {
    event(&json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]}))
}

/// A whole stream.
pub(crate) fn speech(texts: &[&str]) -> String {
    let texts: String = texts.iter().map(|it| delta(it)).collect();
    let role = event(&json!({"choices": [{"delta": {"role": "assistant", "content": null}}]}));
    let finish = event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    let usage = json!({"prompt_tokens": 11, "completion_tokens": 7});
    let usage = event(&json!({"choices": [], "usage": usage}));
    format!("{role}{texts}{finish}{usage}data: [DONE]\n\n")
}
