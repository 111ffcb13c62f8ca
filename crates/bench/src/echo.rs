//! A bare tonic server and its callers: what a call costs that does nothing but carry
//! messages of the same sizes.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    io::{self, Write as _},
    net::Ipv4Addr,
    pin::Pin,
    process::Stdio,
    task::{self, Poll},
};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use http::uri::PathAndQuery;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use tonic::{
    Request, Response, Status,
    body::Body,
    client::Grpc,
    server::{NamedService, UnaryService},
    transport::{Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;
use tower::Service;

use crate::{cases::Exchange, clients::Connection, load::Caller};

/// The name of the command that a process of this program serves echoes with.
pub(crate) const COMMAND: &str = "echo";
pub(crate) const PATH: PathAndQuery = PathAndQuery::from_static("/bench.Echo/Say");
/// A request begins with how long its response has to be.
const HEAD: usize = size_of::<u32>();

/// Serves until the process is killed. The first line that it prints is its address.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let incoming = TcpIncoming::bind((Ipv4Addr::LOCALHOST, 0).into())?.with_nodelay(Some(true));
    writeln!(io::stdout(), "{}", incoming.local_addr()?)?;
    Server::builder().add_service(Echo).serve_with_incoming(incoming).await?;
    Ok(())
}

/// A process that serves echoes; it is killed when dropped.
#[derive(Debug)]
pub(crate) struct EchoServer {
    child: Child,
    address: String,
}

impl EchoServer {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's path")?;
        let mut command = Command::new(program);
        command.arg(COMMAND).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("the echo server")?;
        let output = child.stdout.take().context("the echo server's output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address).await?;
        ensure!(!address.is_empty(), "the echo server did not start");
        Ok(Self { child, address: address.trim_end().to_owned() })
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the echo server has ended")
    }

    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(&self.address).await
    }
}

/// Asks for as many bytes as the product answers with.
pub(crate) struct EchoCaller {
    grpc: Grpc<Connection>,
    request: Bytes,
    response: usize,
}

impl EchoCaller {
    pub(crate) fn new(connection: Connection, exchange: Exchange) -> Self {
        let mut request =
            u32::try_from(exchange.response).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        request.resize(exchange.request.max(HEAD), 0);
        Self { grpc: Grpc::new(connection), request: request.into(), response: exchange.response }
    }
}

#[async_trait]
impl Caller for EchoCaller {
    async fn call(&mut self) -> anyhow::Result<()> {
        self.grpc.ready().await?;
        let codec = ProstCodec::<Bytes, Bytes>::default();
        let request = Request::new(self.request.clone());
        let response = self.grpc.unary(request, PATH, codec).await?.into_inner();
        ensure!(response.len() == self.response, "an echo of {} bytes", response.len());
        Ok(())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Echo;

impl NamedService for Echo {
    const NAME: &'static str = "bench.Echo";
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async {
            let codec = ProstCodec::<Bytes, Bytes>::default();
            Ok(tonic::server::Grpc::new(codec).unary(Self, request).await)
        })
    }
}

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let request = request.into_inner();
        let head = request.first_chunk::<HEAD>();
        let head = head.ok_or_else(|| Status::invalid_argument("too short"));
        ready(head.map(|it| Response::new(vec![b'.'; u32::from_le_bytes(*it) as usize].into())))
    }
}
