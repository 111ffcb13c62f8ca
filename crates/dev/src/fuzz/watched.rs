//! A service that is watched from outside, as a process: what it holds, and what it says in its
//! log.

use std::{fs, path::PathBuf, time::Duration};

use tokio::time::{self, Instant};

use super::process::Held;
use crate::cli::print;

/// How long what clients held that have left may take to be given back, to look at the rest.
const REST: Duration = Duration::from_secs(5);
/// How long all of it may take.
const SETTLING: Duration = Duration::from_secs(60);
/// How much more it may hold after the second half of the attack than after the first, in MiB.
/// What the allocator keeps goes up and down by less; 1 KiB of each request is more in a run of
/// ten minutes.
const MORE_MIB: u64 = 32;
/// How much it may ever have held, in MiB. A message of 4 MiB that says nothing two million times
/// becomes 50 MiB, and the attack sends some of them at once.
const PEAK_MIB: u64 = 512;
/// How many more files it may have open, of connections.
const MORE_FILES: usize = 20;

/// The service, and how much of its logs was there before.
#[derive(Debug)]
pub(super) struct Watched {
    pid: u32,
    logs: Vec<(PathBuf, usize)>,
    /// After each phase of the attack.
    seen: Vec<Held>,
}

impl Watched {
    pub(super) fn new(pid: u32, logs: Vec<PathBuf>) -> Self {
        let logs = logs.into_iter().map(|log| {
            let length = fs::read(&log).map_or(0, |it| it.len());
            (log, length)
        });
        Self { pid, logs: logs.collect(), seen: Vec::new() }
    }

    /// Notes what is held after a phase of the attack.
    pub(super) async fn look(&mut self) -> anyhow::Result<()> {
        time::sleep(REST).await;
        let held = Held::by(self.pid)?;
        print(&format!("{held}"));
        self.seen.push(held);
        Ok(())
    }

    /// What of the requests is kept, whether too much was held, and panics.
    pub(super) async fn faults(&self) -> anyhow::Result<Vec<String>> {
        let mut faults = self.panics();
        let [first, middle, _] = self.seen[..] else { return Ok(faults) };
        let until = Instant::now() + SETTLING;
        let held = loop {
            let held = Held::by(self.pid)?;
            let is_settled =
                held.memory <= middle.memory + MORE_MIB && held.files <= first.files + MORE_FILES;
            if is_settled || until <= Instant::now() {
                if !is_settled {
                    faults.push(format!("the service keeps {held}; half-way it was {middle}"));
                }
                break held;
            }
            time::sleep(Duration::from_millis(200)).await;
        };
        if PEAK_MIB < held.peak {
            faults.push(format!("the service has held {} MiB", held.peak));
        }
        Ok(faults)
    }

    /// The lines in which a panic is told.
    fn panics(&self) -> Vec<String> {
        let texts = self.logs.iter().map(|(log, length)| {
            let text = fs::read(log).unwrap_or_default();
            String::from_utf8_lossy(text.get(*length..).unwrap_or_default()).into_owned()
        });
        let lines = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.filter(|line| line.contains("panicked")).collect()
    }
}
