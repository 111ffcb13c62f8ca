//! What the results depend on besides what is measured.

use std::{fs, process::Command, thread};

use crate::{cli::Options, context::Plan, pair, runs, setup::Setup};

/// Names and values, to be shown above the results.
pub(crate) fn about(setup: &Setup, options: &Options, plan: Plan) -> Vec<(String, String)> {
    let mut facts = vec![
        ("commit", commit().unwrap_or_else(|| "unknown".to_owned())),
        ("processor", processor()),
        ("cores", thread::available_parallelism().map_or(0, usize::from).to_string()),
        ("data", data(options).to_owned()),
        ("warm-up", format!("{:?} a case and side", plan.warm_up)),
        ("rounds", format!("{} of {:?} on each side, in turn", plan.rounds, plan.round)),
    ];
    if runs::NAMES.iter().any(|name| options.wants(name)) {
        let left_out =
            "without embedding their messages, on either side, which is done beside them";
        facts.push(("runs", left_out.to_owned()));
    }
    if cfg!(debug_assertions) {
        facts.push((
            "this program",
            "NOT OPTIMIZED: the bare loop is slow, and ratios flatter".to_owned(),
        ));
    }
    for (name, value) in &setup.postgres.settings {
        facts.push((name, value.clone()));
    }
    for (name, value) in pair::LIFTED.into_iter().chain(pair::LIFTED_OF_WORKER) {
        facts.push((name, format!("{value} (a limit that is lifted)")));
    }
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn data(options: &Options) -> &'static str {
    match options.quick {
        true => "20 users, 2,000 sessions, 100,000 messages",
        false => "200 users, 20,000 sessions, 1,000,000 messages",
    }
}

/// With a plus sign if something was changed since; `None` outside a repository.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let hash = git(&["rev-parse", "--short=12", "HEAD"])?;
    let is_changed = !git(&["status", "--porcelain"])?.is_empty();
    Some(if is_changed { format!("{hash}+") } else { hash })
}

fn processor() -> String {
    let facts = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = facts.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or("unknown", |it| it.trim_start_matches([' ', '\t', ':'])).to_owned()
}
