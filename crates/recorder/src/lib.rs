//! A proxy in front of Postgres that notes what is executed through it.
//!
//! Bytes are passed on as they come. What they mean is noted before, so that whoever
//! has an answer finds it noted. It speaks no TLS, and says so to clients that ask.

mod connection;
mod conversation;
mod execution;
mod fields;
mod frames;
mod log;
mod startup;

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, TcpStream, ToSocketAddrs, lookup_host},
    task::{AbortHandle, JoinSet},
};

pub use execution::{Execution, Trip, Value};
use log::Log;

/// Listens on a port of its own; ends, with its connections, when dropped.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    log: Arc<Log>,
    accepting: AbortHandle,
}

impl Recorder {
    /// Starts one in front of a server that listens on TCP.
    pub async fn start(server: impl ToSocketAddrs) -> io::Result<Self> {
        let server = lookup_host(server).await?.next();
        let server = server.ok_or_else(|| io::Error::other("the server's name has no address"))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let log = Arc::<Log>::default();
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&log)));
        Ok(Self { address, log, accepting: accepting.abort_handle() })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was executed since the last call, in order of its beginning.
    ///
    /// What is not answered yet is left for a later call.
    pub fn take(&self) -> Vec<Execution> {
        self.log.take_executions()
    }

    /// The round trips that were made since the last call, in order of their beginning:
    /// also those that execute nothing, as a pool makes to try a connection.
    pub fn take_trips(&self) -> Vec<Trip> {
        self.log.take_trips()
    }

    /// Waits until all that was asked is answered.
    ///
    /// A client may have what it wants before the end of an answer.
    pub async fn settled(&self) {
        self.log.settled().await;
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Its connections end with it.
async fn accept(listener: TcpListener, server: SocketAddr, log: Arc<Log>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(pass(client, server, Arc::clone(&log)));
    }
}

/// The client sees the end of a connection that can't be passed on. Not understanding it
/// is shown besides, or a recording would lack something in silence.
async fn pass(client: TcpStream, server: SocketAddr, log: Arc<Log>) {
    if let Err(error) = connection::pass(client, server, log).await
        && error.kind() == io::ErrorKind::InvalidData
    {
        panic!("what Postgres and its client said is not understood: {error}");
    }
}
