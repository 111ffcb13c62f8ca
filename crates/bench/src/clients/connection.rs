//! A connection to a gRPC server with as little between a call and its HTTP/2 stream as there can
//! be: a client that does more takes the machine from whom it measures.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use anyhow::Context as _;
use bytes::Bytes;
use h2::{
    RecvStream, SendStream,
    client::{self, SendRequest},
};
use http::{
    Request, Response, Uri,
    uri::{Authority, Scheme},
};
use http_body::Frame;
use http_body_util::BodyExt as _;
use tokio::net::TcpStream;
use tonic::{Status, body::Body};
use tower::{BoxError, Service};

/// As much as clients that follow the speed of a connection come to allow a server that is near.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 16 * STREAM_WINDOW;

/// Ends when the last of its clones and streams is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    authority: Authority,
    requests: SendRequest<Bytes>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| address.to_owned())?;
        stream.set_nodelay(true)?;
        let (requests, connection) = client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake(stream)
            .await?;
        tokio::spawn(async move {
            // Whoever waits for an answer gets the error.
            let _ = connection.await;
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
        head.uri = Uri::from_parts(uri).map_err(failed)?;
        self.requests.send_request(Request::from_parts(head, ()), false).map_err(failed)
    }
}

impl Service<Request<Body>> for Connection {
    type Response = Response<Answer>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.requests.poll_ready(context).map_err(failed)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (head, body) = request.into_parts();
        let begun = self.send(Request::from_parts(head, ()));
        Box::pin(async move {
            let (response, stream) = begun?;
            let sent = send_all(body, stream).await;
            // Who answers before all was sent says why.
            match response.await {
                Ok(response) => Ok(response.map(Answer)),
                Err(error) => Err(sent.err().unwrap_or_else(|| failed(error))),
            }
        })
    }
}

/// Sends each part with the word whether it is the last.
async fn send_all(mut body: Body, mut stream: SendStream<Bytes>) -> Result<(), Status> {
    let mut next = body.frame().await;
    while let Some(frame) = next {
        let data = frame?.into_data().unwrap_or_default();
        next = body.frame().await;
        if next.is_some() {
            more_is_taken(&mut stream).await?;
        }
        stream.send_data(data, next.is_none()).map_err(failed)?;
    }
    Ok(())
}

/// Waits until the server takes more than was sent, or nothing any more.
async fn more_is_taken(stream: &mut SendStream<Bytes>) -> Result<(), Status> {
    stream.reserve_capacity(1);
    while stream.capacity() == 0 {
        let Some(more) = poll_fn(|context| stream.poll_capacity(context)).await else { break };
        more.map_err(failed)?;
    }
    Ok(())
}

fn failed(error: impl Into<BoxError>) -> Status {
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
    use std::net::Ipv4Addr;

    use tonic::{
        Code,
        client::Grpc,
        transport::{Server, server::TcpIncoming},
    };
    use tonic_prost::ProstCodec;

    use super::*;
    use crate::echo::{Echo, PATH};

    const MEBIBYTE: usize = 1024 * 1024;

    /// Says so many bytes to an echo, and returns how many it answers with.
    async fn say(parts: Vec<Bytes>) -> Result<usize, Status> {
        let incoming = TcpIncoming::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = incoming.local_addr().unwrap().to_string();
        tokio::spawn(Server::builder().add_service(Echo).serve_with_incoming(incoming));
        let mut grpc = Grpc::new(Connection::open(&address).await.unwrap());
        grpc.ready().await.unwrap();
        let request = tonic::Request::new(tokio_stream::iter(parts));
        let codec = ProstCodec::<Bytes, Bytes>::default();
        Ok(grpc.client_streaming(request, PATH, codec).await?.into_inner().len())
    }

    fn asking_for(response: usize, length: usize) -> Bytes {
        let mut part = u32::try_from(response).unwrap().to_le_bytes().to_vec();
        part.resize(length, 0);
        part.into()
    }

    #[tokio::test]
    async fn a_response_may_be_larger_than_what_is_taken_at_once() {
        let response = 3 * MEBIBYTE;

        assert_eq!(say(vec![asking_for(response, 4)]).await.unwrap(), response);
    }

    #[tokio::test]
    async fn a_request_of_parts_is_sent_as_it_is_taken() {
        let parts = vec![asking_for(7, MEBIBYTE); 8];

        assert_eq!(say(parts).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_request_that_is_refused_before_all_of_it_is_sent_fails_with_the_reason() {
        let parts = vec![asking_for(7, 5 * MEBIBYTE); 8];

        let status = say(parts).await.unwrap_err();

        assert_eq!(status.code(), Code::OutOfRange, "{status}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_by_its_address() {
        let error = Connection::open("127.0.0.1:1").await.unwrap_err();

        assert_eq!(error.to_string(), "127.0.0.1:1");
    }
}
