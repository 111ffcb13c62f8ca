//! What is measured beside calls: starts, large files, load that goes on, streams, and growth.

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    cli::Options,
    context::{Context, Plan},
    data::{Data, Scale},
    growth, imports,
    report::Report,
    setup::Setup,
    soak, start, streams,
};

pub(crate) const NAMES: [&str; 3] = [start::START, start::IDLE, imports::NAME];

pub(crate) async fn measure(
    setup: &Setup,
    data: &Arc<Data>,
    (plan, scale): (Plan, Scale),
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    start::measure(setup, options, report).await.context("starts")?;
    if options.wants(imports::NAME) {
        let megabytes = if scale == Scale::Quick { 10 } else { 100 };
        let context = Context::start(setup.clone(), Arc::clone(data), plan).await?;
        imports::measure(&context, megabytes, report).await.context(imports::NAME)?;
        context.pair.stop().await?;
    }
    if let Some(minutes) = options.soak {
        let context = Context::start(setup.clone(), Arc::clone(data), plan).await?;
        soak::measure(&context, minutes, report).await.context("soak")?;
        context.pair.stop().await?;
    }
    if let Some(count) = options.streams {
        streams::measure(setup, data, count, report).await.context("streams")?;
    }
    if options.growth {
        growth::measure(setup, data, (plan, scale), options, report).await.context("growth")?;
    }
    Ok(())
}
