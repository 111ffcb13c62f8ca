//! How long a start takes, and how much memory the pair has that does nothing yet.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    cpu,
    measured::Spread,
    pair::{Server, Worker},
    report::{Report, Row},
    setup::Setup,
};

pub(crate) const START: &str = "start_ms";
pub(crate) const IDLE: &str = "idle_mib";

const STARTS: usize = 7;
/// What is done at the start alone has ended by then.
const SETTLING: Duration = Duration::from_secs(5);
const MS: f64 = 300.0;
const MIB: f64 = 40.0;

pub(crate) const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// What one of the pair gave, start by start.
#[derive(Debug, Default)]
struct Starts {
    ms: Vec<f64>,
    mib: f64,
}

pub(crate) fn unmeasured() -> Vec<Row> {
    let rows = [(START, MS), (IDLE, MIB)].into_iter().flat_map(|(name, at_most)| {
        ["", "_worker"].map(|suffix| Row::unmeasured(format!("{name}{suffix}"), Some(at_most)))
    });
    rows.collect()
}

/// Measures both. The figures are compared with nothing: a bound is what
/// they have to keep to.
pub(crate) async fn measure(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    eprintln!("measuring starts ...");
    let service = service(setup).await?;
    let worker = worker(setup).await?;
    for (suffix, starts) in [("", service), ("_worker", worker)] {
        let ms = Spread::of(starts.ms);
        report.rows.push(Row::new(format!("{START}{suffix}"), Some(ms), Some(MS)));
        let mib = Spread::of([starts.mib]);
        report.rows.push(Row::new(format!("{IDLE}{suffix}"), Some(mib), Some(MIB)));
    }
    Ok(())
}

async fn service(setup: &Setup) -> anyhow::Result<Starts> {
    let mut starts = Starts::default();
    for start in 1..=STARTS {
        let server = Server::start(setup, None).await?;
        starts.ms.push(milliseconds(server.started_in));
        if start == STARTS {
            starts.mib = idle_mib(server.pid()).await?;
        }
        server.stop().await?;
    }
    Ok(starts)
}

async fn worker(setup: &Setup) -> anyhow::Result<Starts> {
    let mut starts = Starts::default();
    for start in 1..=STARTS {
        let worker = Worker::start(setup, None).await?;
        starts.ms.push(milliseconds(worker.started_in));
        if start == STARTS {
            starts.mib = idle_mib(worker.pid()).await?;
        }
        worker.stop().await?;
    }
    Ok(starts)
}

async fn idle_mib(pid: u32) -> anyhow::Result<f64> {
    sleep(SETTLING).await;
    Ok(cpu::resident(pid)? as f64 / MEBIBYTE)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
