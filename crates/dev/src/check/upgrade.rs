//! The release before this one, on this one's schema: as it is while a release is rolled out.

mod release;

use anyhow::Context as _;

use self::release::Release;
use super::stack::clear;
use crate::{
    demo, folders,
    settings::Settings,
    stack::Folder,
    token,
    up::{self, DEMO_USER, backends, build, launch::Launch, services},
};

pub(super) async fn check() -> anyhow::Result<()> {
    let workspace = folders::workspace();
    let Some(release) = Release::newest(&workspace).await? else {
        eprintln!("no tag `v*` leads here: there is no release to compare with");
        return Ok(());
    };
    eprintln!("the release before is {}", release.tag());
    let before = release.build(&folders::target().join("check/upgrade")).await?;
    let folder = Folder::in_target("check/upgrade/stack")?;
    let _lock = folder.lock().await?;
    clear(&folder).await?;
    let answered = answer(&folder, &before).await;
    clear(&folder).await?;
    answered.with_context(|| format!("{} on the schema of this release", release.tag()))
}

/// Has the release before answer the demo's first question.
async fn answer(folder: &Folder, before: &build::Programs) -> anyhow::Result<()> {
    let options = up::Options::apart()?;
    let now = build::services().await?;
    let mut settings = Settings::find_or_generate(folder)?;
    let mut launch = Launch::new(folder);
    let backends = backends::start(&options, &mut settings, &mut launch).await?;
    // As operators do: the schema of the release before, and then ours.
    for programs in [before, &now] {
        let operator = &backends.database.operator;
        services::migrate(programs, operator, backends.service_role).await?;
    }
    let addresses =
        services::start(&options, before, &backends, &mut settings, &mut launch).await?;
    let token = token::for_user(&settings.jwt_secret, DEMO_USER)?;
    tokio::select! {
        answered = demo::seed(&addresses.grpc, &token) => answered.map(drop),
        error = launch.first_to_end() => Err(error),
    }
}
