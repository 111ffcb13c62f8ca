//! `cargo dev bench`: servers of their own, durable as in a deployment, and the program that
//! measures the pair on them, all of it optimized. What is measured is in `crates/bench`.

mod measurer;
mod setup;

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, value_parser};

use self::measurer::Measurer;
use crate::{
    check::{stack::clear, unless_interrupted},
    settings::Settings,
    stack::Folder,
    up::{self, backends, build, launch::Launch, services},
};

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Options {
    /// A tenth of the data, and short rounds: rough figures within minutes
    #[arg(long)]
    quick: bool,
    /// Write the ratios to this file too, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Draw the pictures in this folder, as SVG
    #[arg(long)]
    picture: Option<PathBuf>,
    /// Measure these cases only, by their names, with commas between
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Have so many calls in flight in each case that is compared with the bare loop, but for runs
    #[arg(long, value_parser = value_parser!(u32).range(1..=256))]
    callers: Option<u32>,
    /// Measure with ten times the users and their data as well
    #[arg(long)]
    growth: bool,
    /// Put load on the pair for so many minutes, and see whether its memory grows
    #[arg(long, value_parser = value_parser!(u32).range(1..=1440))]
    soak: Option<u32>,
    /// Hold so many idle streams, and see what memory each costs
    #[arg(long, value_parser = value_parser!(u32).range(1..=100_000))]
    streams: Option<u32>,
}

impl Options {
    /// As the program takes them.
    fn arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        let mut add = |name: &str, value: Option<OsString>| {
            arguments.push(OsString::from(name));
            arguments.extend(value);
        };
        for (name, is_set) in [("--quick", self.quick), ("--growth", self.growth)] {
            if is_set {
                add(name, None);
            }
        }
        for (name, path) in [("--json", &self.json), ("--picture", &self.picture)] {
            if let Some(path) = path {
                add(name, Some(path.into()));
            }
        }
        let numbers =
            [("--callers", self.callers), ("--soak", self.soak), ("--streams", self.streams)];
        for (name, number) in numbers {
            if let Some(number) = number {
                add(name, Some(number.to_string().into()));
            }
        }
        if !self.only.is_empty() {
            add("--only", Some(self.only.join(",").into()));
        }
        arguments
    }
}

/// What Postgres keeps of its tables in memory: as deployments have it, a quarter of a machine
/// of 8 GB. By default it is less than the data has.
const SHARED_BUFFERS: &str = "2GB";

pub(crate) async fn bench(options: &Options) -> anyhow::Result<()> {
    let folder = Folder::in_target("bench")?;
    let _lock = folder.lock().await?;
    // What a bench that was killed has left.
    clear(&folder).await?;
    let measured = unless_interrupted(Box::pin(measure(&folder, options))).await;
    // What has failed first is what is told; what is left is cleared before the next.
    measured.and(clear(&folder).await)
}

/// Starts the servers, and has them measured; the program starts the pair itself.
async fn measure(folder: &Folder, options: &Options) -> anyhow::Result<()> {
    let (programs, program) = build::optimized().await?;
    let mut settings = Settings::find_or_generate(folder)?;
    let mut launch = Launch::new(folder);
    let servers = up::Options::with_buffers(SHARED_BUFFERS);
    let backends = backends::start(&servers, &mut settings, &mut launch).await?;
    services::migrate(&programs, &backends.database.operator, backends.service_role).await?;
    let setup = setup::write(folder, &programs, &backends, &settings, &launch).await?;
    let mut measurer = Measurer::start(&program, &setup, &options.arguments())?;
    tokio::select! {
        measured = measurer.end() => measured,
        error = launch.first_to_end() => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[track_caller]
    fn check_passed_on(line: &[&str]) {
        let parsed = Line::try_parse_from([&["bench"], line].concat()).unwrap();

        let arguments = parsed.options.arguments();

        assert_eq!(arguments, line);
    }

    #[test]
    fn what_is_asked_for_is_asked_of_the_program() {
        check_passed_on(&[]);
        check_passed_on(&["--quick", "--growth"]);
        check_passed_on(&["--json", "ratios.json", "--picture", "pictures"]);
        check_passed_on(&["--callers", "4", "--soak", "60", "--streams", "10000"]);
        check_passed_on(&["--only", "get_session,run_16"]);
    }
}
