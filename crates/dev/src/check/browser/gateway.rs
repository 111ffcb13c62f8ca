//! Envoy, with the configuration that users deploy.

use std::{fs, process::Command};

use anyhow::{Context as _, ensure};

use super::tools::Tools;
use crate::{
    chaos::owned::Owned,
    folders,
    servers::{
        free_port,
        process::{Process, Shutdown},
    },
    up::services,
};

/// What the file leaves to whoever deploys it, as it stands there.
const ORIGIN: &str = r#"exact: "https://app.example.com""#;
const LISTENER: &str = "{ address: 0.0.0.0, port_value: 8080 }";
const SERVICE: &str = "{ address: session-service, port_value: 50051 }";
const ADMIN: &str = "{ address: 127.0.0.1, port_value: 9901 }";

#[derive(Debug)]
pub(super) struct Gateway {
    process: Owned,
    address: String,
}

impl Gateway {
    /// Starts one before the service at `grpc`, and waits until that answers through it.
    pub(super) async fn start(tools: &Tools, grpc: &str, origin: &str) -> anyhow::Result<Self> {
        let template = folders::workspace().join("gateway/envoy.yaml");
        let template =
            fs::read_to_string(&template).with_context(|| template.display().to_string())?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let folder = folders::target().join("check/browser");
        let file = folder.join("envoy.yaml");
        fs::write(&file, configure(template, &address, grpc, origin)?)?;

        let mut command = Command::new(tools.envoy());
        command.arg("--config-path").arg(&file);
        command.args(["--disable-hot-restart", "--concurrency", "2", "--log-level", "warning"]);
        let log = folder.join("logs/envoy.log");
        let process = Process::spawn("envoy", &mut command, &log, &file, Shutdown::Graceful)?;
        let mut process = Owned::new(process);
        process.ready(async || services::serving(&address).await).await?;
        Ok(Self { process, address })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Fails if it has ended by itself.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        self.process.get()?.check()
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

/// Sets what whoever deploys the file sets, and nothing else.
fn configure(template: String, address: &str, grpc: &str, origin: &str) -> anyhow::Result<String> {
    let admin = socket_address(&format!("127.0.0.1:{}", free_port()?))?;
    let settings = [
        (ORIGIN, format!("exact: \"{origin}\"")),
        (LISTENER, socket_address(address)?),
        (SERVICE, socket_address(grpc)?),
        (ADMIN, admin),
    ];
    settings.into_iter().try_fold(template, |text, (placeholder, value)| {
        ensure!(text.matches(placeholder).count() == 1, "{placeholder} is not there once");
        Ok(text.replace(placeholder, &value))
    })
}

fn socket_address(address: &str) -> anyhow::Result<String> {
    let (host, port) = address.rsplit_once(':').context("an address has a port")?;
    Ok(format!("{{ address: {host}, port_value: {port} }}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_each_setting_once() {
        let template = include_str!("../../../../../gateway/envoy.yaml").to_owned();

        let text = configure(template, "127.0.0.1:1", "127.0.0.2:2", "http://page").unwrap();

        assert!(text.contains("{ address: 127.0.0.1, port_value: 1 }"), "{text}");
        assert!(text.contains("{ address: 127.0.0.2, port_value: 2 }"), "{text}");
        assert!(text.contains(r#"exact: "http://page""#), "{text}");
        configure(text, "127.0.0.1:1", "127.0.0.2:2", "http://page").unwrap_err();
    }
}
