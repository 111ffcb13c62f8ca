//! What is measured beside calls: starts, large files, load that goes on, streams, and growth.

use std::sync::Arc;

use crate::{
    cli::Options,
    context::{Context, Plan},
    data::{Data, Scale},
    growth, imports,
    report::{Report, results::Results},
    setup::Setup,
    soak, start, streams,
};

pub(crate) const NAMES: [&str; 3] = [start::START, start::IDLE, imports::NAME];

pub(crate) async fn measure(
    setup: &Setup,
    data: &Arc<Data>,
    (plan, scale): (Plan, Scale),
    options: &Options,
    results: &mut Results,
) {
    let context = async || Context::start(setup.clone(), Arc::clone(data), plan).await;
    if [start::START, start::IDLE].iter().any(|name| options.wants(name)) {
        let measure = async |report: &mut Report| start::measure(setup, report).await;
        results.attempt("starts", start::unmeasured(), measure).await;
    }
    if options.wants(imports::NAME) {
        let measure = async |report: &mut Report| {
            let context = context().await?;
            imports::measure(&context, scale, report).await?;
            context.pair.stop().await
        };
        results.attempt(imports::NAME, imports::unmeasured(), measure).await;
    }
    if let Some(minutes) = options.soak {
        let measure = async |report: &mut Report| {
            let context = context().await?;
            soak::measure(&context, minutes, report).await?;
            context.pair.stop().await
        };
        results.attempt("soak", soak::unmeasured(), measure).await;
    }
    if let Some(count) = options.streams {
        let measure =
            async |report: &mut Report| streams::measure(setup, data, count, report).await;
        results.attempt("streams", streams::unmeasured(), measure).await;
    }
    if options.growth {
        let measured =
            Box::pin(growth::measure(setup, data, (plan, scale), options, results)).await;
        results.note("growth", growth::unmeasured(options), measured);
    }
}
