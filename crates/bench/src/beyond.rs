//! What is measured beside calls: starts, large files, load that goes on, streams, and growth.

use std::sync::Arc;

use crate::{
    cli::Options,
    context::{Context, Plan},
    data::{Data, Scale},
    growth, imports,
    report::{Report, Row, results::Results},
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
    if wants_starts(options) {
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

/// What is asked for, for when nothing could be measured.
pub(crate) fn unmeasured(options: &Options) -> Vec<Row> {
    let all = [
        (wants_starts(options), start::unmeasured()),
        (options.wants(imports::NAME), imports::unmeasured()),
        (options.soak.is_some(), soak::unmeasured()),
        (options.streams.is_some(), streams::unmeasured()),
        (options.growth, growth::unmeasured(options)),
    ];
    all.into_iter().filter(|(is_wanted, _)| *is_wanted).flat_map(|(_, rows)| rows).collect()
}

fn wants_starts(options: &Options) -> bool {
    [start::START, start::IDLE].iter().any(|name| options.wants(name))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Arguments;

    fn names(arguments: &[&str]) -> Vec<String> {
        let options = Arguments::parse_from([&["bench", "--setup=a"], arguments].concat()).options;
        unmeasured(&options).into_iter().map(|row| row.case).collect()
    }

    #[test]
    fn without_data_all_that_was_asked_for_is_missing_and_nothing_else() {
        let starts = ["start_ms", "start_ms_worker", "idle_mib", "idle_mib_worker"];
        let imports = ["import_table_cpu", "import_table_p50"];
        assert_eq!(names(&[]), [&starts[..], &imports].concat());
        assert_eq!(
            names(&["--only=get_session", "--growth", "--soak=1", "--streams=1"]),
            [
                "soak_service",
                "soak_worker",
                "stream_kib",
                "growth_get_session",
                "growth_get_session_p50"
            ]
        );
    }
}
