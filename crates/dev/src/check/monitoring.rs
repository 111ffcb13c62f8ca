//! What operators see: alerts and dashboard, in a Prometheus that scrapes a stack. The checks
//! themselves are `tests/monitoring`, in Python.

use std::{convert::Infallible, fs, path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::json;
use tokio::{process::Command, time};

use super::{python::Environment, stack::with_stack};
use crate::{
    demo::api::Api,
    folders,
    servers::{fetch::binaries, free_port},
    stack::Stack,
    token,
    up::{self, DEMO_USER},
};

const QUESTION: &str = "Quantos registros tem na tabela penguins?";
/// What the guard refuses.
const REFUSED: &str = "DELETE FROM penguins";
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(500);
/// How often is looked whether NATS may come back.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

pub(super) async fn check() -> anyhow::Result<()> {
    let python = Environment::prepare("monitoring").await?;
    let (nats, folder) = (binaries().await?.nats_server, tempfile::tempdir()?);
    let port = free_port()?;
    let mut options = up::Options::apart()?;
    options.nats_url = Some(format!("nats://127.0.0.1:{port}"));
    let checked = with_stack("monitoring", options, async |stack, settings| {
        let token = token::for_user(&settings.jwt_secret, DEMO_USER)?;
        let jobs = json!({ "session-service": [&stack.admin], "run-worker": &stack.worker_admins });
        let mut command = python.command();
        command
            .arg("-B")
            .arg(folders::workspace().join("tests/monitoring/run.py"))
            .env("TERTULIA_JOBS", jobs.to_string())
            .env("TERTULIA_NATS", folder.path());
        let status = tokio::select! {
            status = command.status() => status?,
            failed = ask(stack, &token) => return failed,
        };
        ensure!(status.success(), "the checks of monitoring failed ({status}); see above");
        Ok(())
    });
    tokio::select! {
        checked = checked => checked,
        ended = keep_nats(&nats, port, folder.path()) => ended.map(|never| match never {}),
    }
}

/// Runs a NATS server that is not the stack's own, for that must not end: its id is in the
/// file `pid`. When it was stopped, it is started again once there is no file `stopped`.
async fn keep_nats(program: &Path, port: u16, folder: &Path) -> anyhow::Result<Infallible> {
    loop {
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1", "--port", &port.to_string(), "--jetstream"]);
        command.arg("--store_dir").arg(folder.join("data")).arg("--log").arg(folder.join("log"));
        let mut server = command.kill_on_drop(true).spawn()?;
        let pid = server.id().context("it was not waited for yet")?;
        fs::write(folder.join("pid"), pid.to_string())?;
        server.wait().await?;
        while folder.join("stopped").exists() {
            time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Has the pair something to do, for as long as it is asked to. An answer may take as long
/// as NATS is away.
async fn ask(stack: &Stack, token: &str) -> anyhow::Result<()> {
    let mut api = Api::connect(&stack.grpc, token).await?;
    let session_id = api.create_session(stack.demo_agent_id, "Monitoring").await?;
    loop {
        for question in [QUESTION, REFUSED] {
            api.ask(session_id, question).await?;
            time::sleep(BETWEEN_QUESTIONS).await;
        }
    }
}
