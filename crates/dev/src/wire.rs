//! gRPC by hand, frame by frame, for what no client library sends.

use std::net::SocketAddr;

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::{
    SendStream,
    client::{self, ResponseFuture, SendRequest},
};
use http::{HeaderMap, Request, StatusCode, header, request};
use prost::Message;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};
use tonic::Status;
use tonic_types::StatusExt as _;

/// A message as it is sent: a flag, its length, and itself.
pub fn framed(message: &impl Message) -> Bytes {
    with_prefix(0, &message.encode_to_vec())
}

/// Bytes in the place of a message, with the flag of compression that is asked for.
pub fn with_prefix(flag: u8, message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(5 + message.len());
    bytes.put_u8(flag);
    bytes.put_u32(u32::try_from(message.len()).expect("messages are small"));
    bytes.put_slice(message);
    bytes.freeze()
}

/// A request to a method, as `Service/Method`.
pub fn request(method: &str, token: &str) -> request::Builder {
    Request::post(format!("http://tertulia/tertulia.v1.{method}"))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
}

/// A connection of HTTP/2; closed when dropped.
#[derive(Debug)]
pub struct Wire {
    sender: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Wire {
    pub async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        Self::over(TcpStream::connect(address).await?, &client::Builder::new()).await
    }

    /// Speaks over this stream, with settings as the builder has them.
    pub async fn over<S>(stream: S, builder: &client::Builder) -> anyhow::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = builder.handshake(stream).await?;
        Ok(Self { sender, connection: tokio::spawn(connection) })
    }

    /// Begins a request whose body follows.
    pub async fn begin(
        &self,
        request: Request<()>,
    ) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
        self.sender.clone().ready().await?.send_request(request, false)
    }

    /// Sends a request with this body, and takes all of the answer.
    pub async fn ask(&self, request: Request<()>, body: Bytes) -> Result<Answer, h2::Error> {
        let (response, mut sender) = self.begin(request).await?;
        // One that is refused early has nobody who takes its body.
        let _ = sender.send_data(body, true);
        Answer::take(response).await
    }

    /// How many streams at once the server has said that it takes.
    pub fn max_streams(&self) -> usize {
        self.sender.current_max_send_streams()
    }

    /// Returns once the server has closed the connection.
    pub async fn closed(&mut self) {
        // How it ends is the server's affair.
        let _ = (&mut self.connection).await;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// All of an answer.
#[derive(Debug)]
pub struct Answer {
    pub http_status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

impl Answer {
    pub async fn take(response: ResponseFuture) -> Result<Self, h2::Error> {
        let (head, mut stream) = response.await?.into_parts();
        let mut body = BytesMut::new();
        while let Some(piece) = stream.data().await {
            let piece = piece?;
            stream.flow_control().release_capacity(piece.len())?;
            body.extend_from_slice(&piece);
        }
        let trailers = stream.trailers().await?.unwrap_or_default();
        let http_status = head.status;
        Ok(Self { http_status, headers: head.headers, body: body.freeze(), trailers })
    }

    /// What gRPC says of it, wherever that is.
    pub fn status(&self) -> Option<Status> {
        Status::from_header_map(&self.trailers).or_else(|| Status::from_header_map(&self.headers))
    }

    /// The reason of a failure, if it has one of ours.
    pub fn reason(&self) -> Option<String> {
        let info = self.status()?.get_details_error_info()?;
        (info.domain == "tertulia.v1").then_some(info.reason)
    }

    /// The only message of an answer, where it is of this type.
    pub fn message<M: Message + Default>(&self) -> Option<M> {
        M::decode(self.body.get(5..)?).ok()
    }
}
