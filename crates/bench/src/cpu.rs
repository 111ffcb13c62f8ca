//! How much of the processors each part has used, from /proc.

use std::{fs, io, process, time::Duration};

use anyhow::{Context, bail};
use serde::Serialize;

/// What the kernel counts a process' time in: 1/100 s wherever Linux runs, to programs.
const TICKS_A_SECOND: u64 = 100;

/// Something of each of those that take part in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Parts<T> {
    pub(crate) service: T,
    pub(crate) worker: T,
    pub(crate) postgres: T,
    pub(crate) nats: T,
    /// This process: the callers, or all of the bare loop.
    pub(crate) client: T,
}

/// Where to look for the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pids {
    pub(crate) service: u32,
    pub(crate) worker: u32,
    /// The one that all others of Postgres are children of.
    pub(crate) postgres: u32,
    pub(crate) nats: u32,
}

impl<T> Parts<T> {
    pub(crate) fn map<U>(self, change: impl Fn(T) -> U) -> Parts<U> {
        Parts {
            service: change(self.service),
            worker: change(self.worker),
            postgres: change(self.postgres),
            nats: change(self.nats),
            client: change(self.client),
        }
    }
}

impl Parts<Duration> {
    fn since(self, earlier: Self) -> Self {
        Self {
            service: self.service.saturating_sub(earlier.service),
            worker: self.worker.saturating_sub(earlier.worker),
            postgres: self.postgres.saturating_sub(earlier.postgres),
            nats: self.nats.saturating_sub(earlier.nats),
            client: self.client.saturating_sub(earlier.client),
        }
    }
}

impl Parts<f64> {
    /// What the product costs: everything but its callers.
    pub(crate) fn of_product(self) -> f64 {
        self.service + self.worker + self.postgres + self.nats
    }

    /// What the same work costs without the product.
    pub(crate) fn of_bare_loop(self) -> f64 {
        self.client + self.postgres + self.nats
    }
}

/// A time for which it is counted what every part uses. This process is looked at last and first,
/// so that looking at the others is no part of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pids: Pids,
    before: Parts<Duration>,
}

impl Window {
    pub(crate) fn open(pids: Pids) -> anyhow::Result<Self> {
        let others = used_by_others(pids)?;
        Ok(Self { pids, before: Parts { client: used_by(process::id())?, ..others } })
    }

    /// What was used since.
    pub(crate) fn close(self) -> anyhow::Result<Parts<Duration>> {
        let client = used_by(process::id())?;
        Ok(Parts { client, ..used_by_others(self.pids)? }.since(self.before))
    }
}

/// What every part but this process has used so far.
fn used_by_others(pids: Pids) -> anyhow::Result<Parts<Duration>> {
    Ok(Parts {
        service: used_by(pids.service)?,
        worker: used_by(pids.worker)?,
        postgres: used_by_family(pids.postgres)?,
        nats: used_by(pids.nats)?,
        client: Duration::ZERO,
    })
}

/// What one process has used.
pub(crate) fn used_by(pid: u32) -> anyhow::Result<Duration> {
    Ok(ticks(stat(pid)?.with_context(|| format!("process {pid} is gone"))?.own))
}

/// A process, its children, and those children that have ended.
fn used_by_family(pid: u32) -> anyhow::Result<Duration> {
    let parent = || stat(pid)?.with_context(|| format!("process {pid} is gone"));
    let mut before = parent()?;
    loop {
        let of_children = used_by_children(pid)?;
        let after = parent()?;
        // A child that ended meanwhile may be counted on both sides, or on none.
        if after.of_ended_children == before.of_ended_children {
            return Ok(ticks(after.own + after.of_ended_children + of_children));
        }
        before = after;
    }
}

/// The ticks of those children that have not ended.
fn used_by_children(pid: u32) -> anyhow::Result<u64> {
    let mut used = 0;
    for entry in fs::read_dir("/proc").context("/proc")? {
        let name = entry.context("/proc")?.file_name();
        let Some(child) = name.to_str().and_then(|it| it.parse().ok()) else { continue };
        // It may have ended since.
        let Some(stat) = stat(child)? else { continue };
        if stat.parent == pid {
            used += stat.own + stat.of_ended_children;
        }
    }
    Ok(used)
}

/// How many bytes of memory a process has.
pub(crate) fn resident(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    resident_in(&status).with_context(|| format!("no VmRSS in {path}"))
}

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count * 1000 / TICKS_A_SECOND)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own: u64,
    of_ended_children: u64,
}

/// `None` if there is no such process.
fn stat(pid: u32) -> anyhow::Result<Option<Stat>> {
    let path = format!("/proc/{pid}/stat");
    match fs::read_to_string(&path) {
        Ok(text) => parse(&text).with_context(|| path).map(Some),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error).context(path),
    }
}

fn is_gone(error: &io::Error) -> bool {
    /// It was there when the file was opened.
    const NO_SUCH_PROCESS: i32 = 3;
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(NO_SUCH_PROCESS)
}

fn parse(stat: &str) -> anyhow::Result<Stat> {
    // The second field is a name, which may hold anything, a bracket too.
    let Some((_, fields)) = stat.rsplit_once(')') else { bail!("no name in it") };
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    // As proc_pid_stat(5) counts them, from 1; the first two are cut off.
    let field = |number: usize| -> anyhow::Result<u64> {
        let field = fields.get(number - 3).with_context(|| format!("no field {number}"))?;
        field.parse().with_context(|| format!("field {number}"))
    };
    Ok(Stat {
        parent: field(4)?.try_into().context("field 4")?,
        own: field(14)? + field(15)?,
        of_ended_children: field(16)? + field(17)?,
    })
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4711 (postgres: a) b) S 99 4711 4711 0 -1 4194304 1 2 3 4 \
                        50 25 300 45 20 0 1 0 100 200 300";

    #[test]
    fn a_process_is_read_whatever_its_name_holds() {
        let stat = parse(STAT).unwrap();

        assert_eq!(stat, Stat { parent: 99, own: 75, of_ended_children: 345 });
    }

    #[test]
    fn what_lacks_a_field_is_refused_by_the_fields_number() {
        assert_eq!(parse("1 (a) S 1 1").unwrap_err().to_string(), "no field 14");
        assert_eq!(parse("nothing").unwrap_err().to_string(), "no name in it");
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(
            resident_in("VmPeak:\t 9 kB\nVmRSS:\t    2048 kB\nThreads:\t1\n"),
            Some(2 << 20)
        );
        assert_eq!(resident_in("VmPeak:\t 9 kB\n"), None);
    }

    #[test]
    fn a_process_that_is_gone_has_no_figures() {
        assert_eq!(stat(u32::MAX).unwrap(), None);
        assert!(used_by(u32::MAX).is_err());
    }

    #[test]
    fn the_work_of_children_that_have_ended_counts() {
        let of_children = || {
            let own = used_by(process::id()).unwrap();
            used_by_family(process::id()).unwrap().saturating_sub(own)
        };
        let before = of_children();
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        process::Command::new("sh").args(["-c", script]).status().unwrap();

        let used = of_children().saturating_sub(before);

        assert!(ticks(3) <= used, "{used:?}");
    }
}
