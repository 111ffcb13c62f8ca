//! The manifests, rendered and held to Kubernetes' schemas and to this project: what `tests/k8s`
//! does in Python, without a cluster.

use anyhow::ensure;

use super::python::Environment;
use crate::folders;

pub(super) async fn check() -> anyhow::Result<()> {
    let python = Environment::prepare("k8s").await?;
    let suite = folders::workspace().join("tests/k8s/run.py");
    let status = python.command().arg("-B").arg(suite).status().await?;
    ensure!(status.success(), "the manifests' checks failed ({status}); what they said is above");
    Ok(())
}
