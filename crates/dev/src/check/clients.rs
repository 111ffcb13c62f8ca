//! Clients that are not ours, against a stack that runs: what `tests/clients` does in Python.

use anyhow::ensure;

use super::{python::Environment, stack::with_stack};
use crate::{
    folders, token,
    up::{self, DEMO_USER},
};

/// A user who has nothing yet.
const OTHER_USER: i64 = 2;

pub(super) async fn check() -> anyhow::Result<()> {
    let suite = folders::workspace().join("tests/clients");
    let python = Environment::prepare("clients", &suite.join("requirements.txt")).await?;
    with_stack("clients", up::Options::apart()?, async |stack, settings| {
        let mut command = python.command();
        command
            .arg("-B")
            .arg(suite.join("run.py"))
            .env("TERTULIA_GRPC", &stack.grpc)
            .env("TERTULIA_DEMO_TOKEN", token::for_user(&settings.jwt_secret, DEMO_USER)?)
            .env("TERTULIA_OTHER_TOKEN", token::for_user(&settings.jwt_secret, OTHER_USER)?);
        let status = command.status().await?;
        ensure!(status.success(), "the clients' checks failed ({status}); what they said is above");
        Ok(())
    })
    .await
}
