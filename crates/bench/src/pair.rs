//! The pair: a session-service and a run-worker, started to be measured.

mod probe;
mod process;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

use tokio::process::Command;

use self::process::Process;
use crate::setup::{Service, Setup};

/// What would refuse the load: the service's.
pub const LIFTED: [(&str, &str); 8] = [
    ("REQUESTS_PER_SECOND_PER_USER", "1000000"),
    ("REQUEST_BURST_PER_USER", "1000000"),
    ("MAX_CONCURRENT_REQUESTS_PER_USER", "5000"),
    ("MAX_WAITING_REQUESTS", "100000"),
    ("MAX_WAITING_REQUESTS_PER_USER", "100000"),
    ("MAX_CONCURRENT_STREAMS", "10000"),
    // A client that had just then a call to send would have to send it again.
    ("CONNECTION_AGE_SECONDS", "604800"),
    ("CONNECTION_IDLE_SECONDS", "86400"),
];

/// What would have it wait: the worker's. A place for each of the runs that are in flight.
pub const LIFTED_OF_WORKER: [(&str, &str); 1] = [("WORKER_CONCURRENCY", "16")];

/// Ends with what it is held by.
#[derive(Debug)]
pub struct Pair {
    /// Where the service serves.
    pub grpc: String,
    server: Server,
    worker: Worker,
}

/// Their process ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pids {
    pub service: u32,
    pub worker: u32,
}

impl Pair {
    /// Starts one after the other, and waits until they work. They reach Postgres by way of
    /// another address, if one is given.
    pub async fn start(setup: &Setup, via: Option<SocketAddr>) -> anyhow::Result<Self> {
        let server = Server::start(setup, via).await?;
        let worker = Worker::start(setup, via).await?;
        Ok(Self { grpc: server.grpc.clone(), server, worker })
    }

    pub fn pids(&self) -> Pids {
        Pids { service: self.server.pid(), worker: self.worker.pid() }
    }

    /// Has both finish what they have begun, and waits for their ends.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.server.stop().await?;
        self.worker.stop().await
    }
}

/// A session-service.
#[derive(Debug)]
pub struct Server {
    pub grpc: String,
    pub started_in: Duration,
    process: Process,
}

impl Server {
    pub async fn start(setup: &Setup, via: Option<SocketAddr>) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = command(&setup.session_service, via)?;
        command.envs(LIFTED);
        command.env("LISTEN_ADDR", address.to_string()).env("ADMIN_ADDR", "127.0.0.1:0");
        let mut process = Process::spawn("session-service", &mut command, setup)?;
        let started_in = process.ready(async || probe::serves(address).await).await?;
        Ok(Self { grpc: address.to_string(), started_in, process })
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

/// A run-worker.
#[derive(Debug)]
pub struct Worker {
    pub started_in: Duration,
    process: Process,
}

impl Worker {
    pub async fn start(setup: &Setup, via: Option<SocketAddr>) -> anyhow::Result<Self> {
        let admin = free_address()?;
        let mut command = command(&setup.run_worker, via)?;
        command.envs(LIFTED_OF_WORKER).env("ADMIN_ADDR", admin.to_string());
        let mut process = Process::spawn("run-worker", &mut command, setup)?;
        let started_in = process.ready(async || probe::is_ready(admin).await).await?;
        Ok(Self { started_in, process })
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

/// With its own variables alone: what a shell has set for others would change what is measured.
fn command(service: &Service, via: Option<SocketAddr>) -> anyhow::Result<Command> {
    let mut command = Command::new(&service.program);
    command.env_clear().envs(service.env_via(via)?);
    Ok(command)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
