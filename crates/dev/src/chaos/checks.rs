//! Holding what is in the database, in the event log and in the processes' logs against what the
//! harness has seen. Each check is named by what must hold.

mod events;
mod invariants;
mod queue;
pub(super) mod recoveries;

use std::{collections::BTreeMap, fs, mem, path::Path};

use serde::Serialize;

use super::{
    Options, cluster::Cluster, database::Database, facts::Facts, mechanism::Mechanism,
    schedule::Fault,
};

const EXAMPLES: usize = 5;
/// From so many runs on, every check has something to look at.
const ENOUGH: u32 = 50;

/// What must hold, and where it doesn't.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub violations: u64,
    pub examples: Vec<String>,
    /// How many cases were looked at, where not all were.
    pub cases: Option<u64>,
}

impl Check {
    fn of(name: &'static str, violations: &[String]) -> Self {
        Self {
            name,
            violations: u64::try_from(violations.len()).unwrap_or(u64::MAX),
            examples: violations.iter().take(EXAMPLES).cloned().collect(),
            cases: None,
        }
    }

    /// That there was nothing to look at is a violation where there must have been something.
    fn needing_cases(self, is_needed: bool) -> Self {
        if is_needed && self.cases == Some(0) {
            let nothing = Self::of(self.name, &["there was nothing to look at".to_owned()]);
            return Self { cases: self.cases, ..nothing };
        }
        self
    }
}

/// Does all checks after these faults; with a mechanism out, all but the one that would see just
/// that.
pub(super) async fn check(
    cluster: &Cluster,
    facts: &Facts,
    options: &Options,
    injected: &BTreeMap<String, usize>,
) -> anyhow::Result<Vec<Check>> {
    let is_enough = ENOUGH <= options.runs;
    let database = &cluster.database;
    write_down(database, facts).await?;
    let mut checks = Vec::new();
    for (name, query) in invariants::ALL {
        if name == invariants::FENCE_RISES && options.without.contains(&Mechanism::Fence) {
            continue;
        }
        let mut check = ask(database, name, query).await?;
        if name == invariants::ROLLING {
            let handed_over: i64 = database.value(invariants::HANDED_OVER, &[]).await?;
            check.cases = u64::try_from(handed_over).ok();
            check = check.needing_cases(injected.contains_key(&Fault::RollingRestart.name()));
        }
        checks.push(check);
    }
    let logs = mem::take(&mut *facts.logs());
    checks.push(events::check(cluster, logs).await?.needing_cases(is_enough));
    checks.push(events::gaps(database).await?.needing_cases(is_enough));
    checks.push(watches(facts).needing_cases(is_enough));
    let is_measured = Fault::MEASURED.iter().any(|fault| injected.contains_key(&fault.name()));
    checks.push(recoveries::check(facts).needing_cases(is_measured));
    checks.push(queue::check(&cluster.nats_url(), options.quick).await?);
    checks.push(Check::of(
        "nothing that was expected of a call or a process was missed",
        &facts.oddities(),
    ));
    checks.push(panics(&cluster.setup.logs)?);
    Ok(checks)
}

/// Each row of the query is a violation, told in its only column.
async fn ask(database: &Database, name: &'static str, query: &str) -> anyhow::Result<Check> {
    let rows = database.rows(query, &[]).await?;
    let violations: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    Ok(Check::of(name, &violations?))
}

/// Puts the facts beside the product's tables, so that SQL can compare them.
async fn write_down(database: &Database, facts: &Facts) -> anyhow::Result<()> {
    let asked = serde_json::to_string(&*facts.asked())?;
    let watched = serde_json::to_string(&*facts.watched())?;
    database.execute(invariants::TABLES).await?;
    database.rows(invariants::WRITE_ASKED, &[&asked]).await?;
    database.rows(invariants::WRITE_WATCHED, &[&watched]).await?;
    Ok(())
}

fn watches(facts: &Facts) -> Check {
    let watched = facts.watched();
    let problems = watched.iter().filter_map(|it| {
        let problem = it.problem.as_ref()?;
        Some(format!("run {}, {} connections: {problem}", it.run_id, it.reconnects))
    });
    let problems: Vec<_> = problems.collect();
    let cases = u64::try_from(watched.len()).ok();
    let name =
        "a watch gives each event once, the whole answer and the end, however often it is cut";
    Check { cases, ..Check::of(name, &problems) }
}

fn panics(logs: &Path) -> anyhow::Result<Check> {
    let mut panics = Vec::new();
    for entry in fs::read_dir(logs)? {
        let path = entry?.path();
        let log = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        let name = path.file_name().unwrap_or_default().display().to_string();
        let lines = log.lines().filter(|line| line.contains("panicked"));
        panics.extend(lines.map(|line| format!("{name}: {line}")));
    }
    Ok(Check::of("no process panicked", &panics))
}
