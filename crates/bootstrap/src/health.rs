//! The same question as a readiness probe's, for what starts containers without a cluster.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time,
};

const TIMEOUT: Duration = Duration::from_secs(3);

/// Succeeds if the process that listens on `admin_addr`, on this machine, is ready.
pub async fn check(admin_addr: SocketAddr) -> anyhow::Result<()> {
    let asked = time::timeout(TIMEOUT, ask(reachable(admin_addr))).await;
    let answer = asked.context("no answer in time")?.context("asking on ADMIN_ADDR")?;
    let (head, condition) = answer.split_once("\r\n\r\n").unwrap_or_default();
    ensure!(head.starts_with("HTTP/1.0 200 "), "not ready: {condition}");
    Ok(())
}

async fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// What listens on every address is asked on the loopback one.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
