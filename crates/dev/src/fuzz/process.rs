//! What a process holds.

use std::{fmt, fs};

use anyhow::Context as _;

const KIB_PER_MIB: u64 = 1024;

#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub memory_mib: u64,
    pub files: usize,
}

impl Held {
    /// What this process holds now.
    pub fn by(pid: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
        let memory_mib = kib.context("a process has memory")? / KIB_PER_MIB;
        let files = fs::read_dir(format!("/proc/{pid}/fd"))?.count();
        Ok(Self { memory_mib, files })
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB, {} files", self.memory_mib, self.files)
    }
}
