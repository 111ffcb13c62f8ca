//! What a process holds.

use std::{fmt, fs};

use anyhow::Context as _;

const KIB_PER_MIB: u64 = 1024;

/// In MiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) memory: u64,
    /// The most that it has ever held.
    pub(super) peak: u64,
    pub(super) files: usize,
}

impl Held {
    /// What this process holds now.
    pub(super) fn by(pid: u32) -> anyhow::Result<Self> {
        let ended = || format!("the service's process {pid} has ended");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(ended)?;
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
            kib.map(|it| it / KIB_PER_MIB).with_context(ended)
        };
        let files = fs::read_dir(format!("/proc/{pid}/fd")).with_context(ended)?.count();
        Ok(Self { memory: mib("VmRSS:")?, peak: mib("VmHWM:")?, files })
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB (at most {}), {} files", self.memory, self.peak, self.files)
    }
}
