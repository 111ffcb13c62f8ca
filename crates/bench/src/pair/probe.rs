//! Whether they work, as whoever deploys them would ask.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

const SERVICE: &str = "tertulia.v1.SessionService";
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a session-service says that it serves.
pub(super) async fn serves(grpc: SocketAddr) -> anyhow::Result<()> {
    let endpoint = Endpoint::try_from(format!("http://{grpc}"))?.connect_timeout(PATIENCE);
    let mut client = HealthClient::new(endpoint.connect().await?);
    let request = HealthCheckRequest { service: SERVICE.to_owned() };
    let response = timeout(PATIENCE, client.check(request)).await??;
    let status = response.into_inner().status();
    ensure!(status == ServingStatus::Serving, "{SERVICE} is {}", status.as_str_name());
    Ok(())
}

/// Whether one of the pair says, where operators ask, that it can do its work.
pub(super) async fn is_ready(admin: SocketAddr) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(admin).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
    let status = answer.lines().next().context("no answer")?;
    ensure!(status.contains(" 200 "), "{status}");
    Ok(())
}
