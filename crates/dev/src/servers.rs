//! The embedded servers: fetching them, and running them as child processes.

pub mod account;
pub mod fetch;
pub mod nats;
pub mod postgres;
pub mod process;

use std::{io, net::TcpListener};

use rand::{TryRngCore, rngs::OsRng};

/// A port of 127.0.0.1 that was free a moment ago.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// Bytes from the operating system's generator.
pub(crate) fn random_bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}

/// A password of hexadecimal digits, which needs no quoting in URLs, SQL and configuration files.
pub(crate) fn password() -> anyhow::Result<String> {
    let bytes = random_bytes::<24>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
