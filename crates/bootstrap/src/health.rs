//! The same question as a readiness probe's, for what starts containers without a cluster.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, bail};

const TIMEOUT: Duration = Duration::from_secs(3);

/// Succeeds if the process that listens on `admin_addr`, on this machine, is ready.
pub async fn check(admin_addr: SocketAddr) -> anyhow::Result<()> {
    let url = format!("http://{}/readyz", reachable(admin_addr));
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
    let response = client.get(&url).send().await.context("nothing answers on ADMIN_ADDR")?;
    let (status, condition) = (response.status(), response.text().await?);
    if !status.is_success() {
        bail!("not ready: {condition}");
    }
    Ok(())
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
