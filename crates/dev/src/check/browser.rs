//! A page in Chromium that calls the service with code generated from our protos, directly and
//! through Envoy: what `tests/browser` does in TypeScript.

mod gateway;
mod page;
mod program;
mod tools;

use anyhow::ensure;

use self::{gateway::Gateway, page::Page, tools::Tools};
use super::stack::with_stack;
use crate::{
    folders,
    servers::free_port,
    settings::Settings,
    stack::Stack,
    token,
    up::{DEMO_USER, Options},
};

/// Each is known to one way in, and a stranger to the other.
struct Origins {
    direct: String,
    envoy: String,
}

pub(super) async fn check() -> anyhow::Result<()> {
    let tools = Tools::prepare(&folders::workspace().join("tests/browser")).await?;
    let page = Page::build(&tools).await?;
    let origin = || anyhow::Ok(format!("http://127.0.0.1:{}", free_port()?));
    let origins = Origins { direct: origin()?, envoy: origin()? };
    let mut options = Options::apart()?;
    options.cors_allow_origins = Some(origins.direct.clone());
    with_stack("browser", options, async |stack, settings| {
        drive(&tools, &page, &origins, stack, settings).await
    })
    .await
}

async fn drive(
    tools: &Tools,
    page: &Page,
    origins: &Origins,
    stack: &Stack,
    settings: &Settings,
) -> anyhow::Result<()> {
    let mut gateway = Gateway::start(tools, &stack.grpc, &origins.envoy).await?;
    let mut driver = page.driver();
    driver
        .env("CHROMIUM", &tools.chromium)
        .env("TOKEN", token::for_user(&settings.jwt_secret, DEMO_USER)?)
        .env("AGENT_ID", stack.demo_agent_id.to_string())
        .env("DIRECT", format!("http://{}", stack.grpc))
        .env("DIRECT_ORIGIN", &origins.direct)
        .env("ENVOY", format!("http://{}", gateway.address()))
        .env("ENVOY_ORIGIN", &origins.envoy);
    let status = driver.status().await?;
    gateway.check()?;
    ensure!(status.success(), "the browser's checks failed ({status}); what they said is above");
    gateway.stop().await
}
