//! A connection to a gRPC server with as little between a call and its HTTP/2 stream as there can
//! be: a client that does more takes the machine from whom it measures. It is for calls whose
//! requests are sent as a whole before anything of the response is needed.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use anyhow::Context as _;
use bytes::Bytes;
use h2::{
    Reason, RecvStream, SendStream,
    client::{self, SendRequest},
};
use http::{
    HeaderValue, Request, Response, Uri,
    header::USER_AGENT,
    uri::{Authority, Scheme},
};
use http_body::Frame;
use http_body_util::BodyExt as _;
use tokio::net::TcpStream;
use tonic::{Status, body::Body};
use tower::{BoxError, Service};

/// So large that no answer here waits for it.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 16 * STREAM_WINDOW;
const MAX_LEFT: usize = 10_000;
const NAME: HeaderValue = HeaderValue::from_static("tertulia-bench");

/// Ends when the last of its clones and streams is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    authority: Authority,
    requests: SendRequest<Bytes>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> anyhow::Result<Self> {
        Self::try_open(address).await.with_context(|| address.to_owned())
    }

    async fn try_open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (requests, driver) = client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .enable_push(false)
            // A watch that is left early may still be answered.
            .max_concurrent_reset_streams(MAX_LEFT)
            .max_local_error_reset_streams(None)
            .handshake(stream)
            .await?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                eprintln!("a connection has failed: {error}");
            }
        });
        Ok(Self { authority: address.parse()?, requests })
    }

    fn send(
        &mut self,
        request: Request<()>,
    ) -> Result<(client::ResponseFuture, SendStream<Bytes>), Status> {
        let (mut head, ()) = request.into_parts();
        let mut uri = head.uri.into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = Some(self.authority.clone());
        head.uri = Uri::from_parts(uri).map_err(to_status)?;
        head.headers.insert(USER_AGENT, NAME);
        self.requests.send_request(Request::from_parts(head, ()), false).map_err(to_status)
    }
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Answer>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.requests.poll_ready(context).map_err(to_status)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (head, body) = request.into_parts();
        let begun = self.send(Request::from_parts(head, ()));
        Box::pin(async move {
            let (response, stream) = begun?;
            send_all(body, stream).await?;
            Ok(response.await.map_err(to_status)?.map(Answer))
        })
    }
}

/// Sends each part with the word whether it is the last. A server that takes no more has answered,
/// or the response has the reason: only what fails on this side is told.
async fn send_all(mut body: Body, mut stream: SendStream<Bytes>) -> Result<(), Status> {
    let mut next = body.frame().await;
    loop {
        let data = match next.transpose() {
            Ok(frame) => frame.and_then(|it| it.into_data().ok()).unwrap_or_default(),
            Err(status) => {
                stream.send_reset(Reason::CANCEL);
                return Err(status);
            }
        };
        next = body.frame().await;
        let is_last = next.is_none();
        let is_taken = is_last || takes_more(&mut stream).await;
        if !is_taken || stream.send_data(data, is_last).is_err() || is_last {
            return Ok(());
        }
    }
}

/// Waits until the server takes more than was sent; false if it takes nothing any more.
async fn takes_more(stream: &mut SendStream<Bytes>) -> bool {
    stream.reserve_capacity(1);
    while stream.capacity() == 0 {
        if !matches!(poll_fn(|context| stream.poll_capacity(context)).await, Some(Ok(_))) {
            return false;
        }
    }
    true
}

fn to_status(error: impl Into<BoxError>) -> Status {
    Status::from_error(error.into())
}

/// A response's messages and its trailers.
#[derive(Debug)]
pub(crate) struct Answer(RecvStream);

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        let stream = &mut self.0;
        let frame = match ready!(stream.poll_data(context)) {
            Some(data) => data.and_then(|data| {
                stream.flow_control().release_capacity(data.len())?;
                Ok(Some(Frame::data(data)))
            }),
            None => ready!(stream.poll_trailers(context)).map(|it| it.map(Frame::trailers)),
        };
        Poll::Ready(frame.transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use tokio::time::timeout;
    use tonic::{
        Code, Streaming,
        client::Grpc,
        server::{self, ClientStreamingService, NamedService},
        transport::{Server, server::TcpIncoming},
    };
    use tonic_prost::ProstCodec;

    use super::*;
    use crate::echo::{Echo, PATH};

    const MEBIBYTE: usize = 1024 * 1024;

    fn codec() -> ProstCodec<Bytes, Bytes> {
        ProstCodec::default()
    }

    /// Says how many bytes it has received.
    #[derive(Clone)]
    struct Count;

    impl NamedService for Count {
        const NAME: &'static str = <Echo as NamedService>::NAME;
    }

    impl Service<Request<Body>> for Count {
        type Response = Response<Body>;
        type Error = std::convert::Infallible;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            Box::pin(async { Ok(server::Grpc::new(codec()).client_streaming(Self, request).await) })
        }
    }

    impl ClientStreamingService<Bytes> for Count {
        type Response = Bytes;
        type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Bytes>, Status>> + Send>>;

        fn call(&mut self, request: tonic::Request<Streaming<Bytes>>) -> Self::Future {
            Box::pin(async {
                let (mut parts, mut count) = (request.into_inner(), 0);
                while let Some(part) = parts.message().await? {
                    count += part.len();
                }
                Ok(tonic::Response::new(count.to_string().into()))
            })
        }
    }

    /// Calls a server of one service.
    async fn call<S>(service: S, parts: Vec<Bytes>) -> Result<Bytes, Status>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = std::convert::Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let incoming = TcpIncoming::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = incoming.local_addr().unwrap().to_string();
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
        let mut grpc = Grpc::new(Connection::open(&address).await.unwrap());
        grpc.ready().await.unwrap();
        let request = tonic::Request::new(tokio_stream::iter(parts));
        let called = grpc.client_streaming(request, PATH, codec());
        let response = timeout(Duration::from_secs(60), called).await.expect("it hangs")?;
        Ok(response.into_inner())
    }

    fn asking_for(response: usize, length: usize) -> Bytes {
        let mut part = u32::try_from(response).unwrap().to_le_bytes().to_vec();
        part.resize(length, 0);
        part.into()
    }

    #[tokio::test]
    async fn a_response_may_be_larger_than_what_is_taken_at_once() {
        let response = 3 * MEBIBYTE;

        assert_eq!(call(Echo, vec![asking_for(response, 4)]).await.unwrap().len(), response);
    }

    #[tokio::test]
    async fn a_request_of_parts_arrives_whole() {
        let parts = vec![Bytes::from(vec![0; MEBIBYTE]); 8];

        assert_eq!(call(Count, parts).await.unwrap(), (8 * MEBIBYTE).to_string());
    }

    #[tokio::test]
    async fn a_request_of_no_parts_ends() {
        assert_eq!(call(Count, Vec::new()).await.unwrap(), "0");
    }

    #[tokio::test]
    async fn a_request_that_is_refused_before_all_of_it_is_sent_fails_with_the_reason() {
        let parts = vec![asking_for(7, 5 * MEBIBYTE); 8];

        let status = call(Echo, parts).await.unwrap_err();

        assert_eq!(status.code(), Code::OutOfRange, "{status}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_by_its_address() {
        let error = Connection::open("127.0.0.1:1").await.unwrap_err();

        assert_eq!(error.to_string(), "127.0.0.1:1");
    }
}
