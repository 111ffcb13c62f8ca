//! What the results depend on besides what is measured.

use std::{fs, process::Command, thread};

use crate::{cli::Options, context::Plan, data::Data, pair, runs, setup::Setup};

/// Names and values, to be shown above the results.
pub(crate) fn about(setup: &Setup, options: &Options, plan: Plan) -> Vec<(String, String)> {
    let mut facts = vec![
        ("commit", commit().unwrap_or_else(|| "unknown".to_owned())),
        ("processor", processor()),
        ("cores", thread::available_parallelism().map_or(0, usize::from).to_string()),
        ("warm-up", format!("{:?} a case and side", plan.warm_up)),
        ("rounds", format!("{} of {:?} on each side, in turn", plan.rounds, plan.round)),
    ];
    if runs::NAMES.iter().any(|name| options.wants(name)) {
        let left_out = "without embedding their messages, on either side, but for run_16_embedded";
        facts.push(("runs", left_out.to_owned()));
    }
    if let Some(callers) = options.callers {
        facts.push((
            "callers",
            format!("{callers} in each case that is compared with the bare loop, but for runs"),
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

/// How much of everything there is.
pub(crate) fn of_data(data: &Data) -> String {
    let sessions = || data.users.iter().flat_map(|user| &user.sessions);
    let messages: i64 = sessions().map(|session| session.messages).sum();
    format!(
        "{} users, {} sessions, {} messages, {} of them in one conversation",
        whole(data.users.len() as i64),
        whole(sessions().count() as i64),
        whole(messages),
        whole(data.long.session.messages),
    )
}

/// With a comma before each three digits.
pub(crate) fn whole(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if 0 < place && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Long, Session, User};

    #[test]
    fn numbers_have_commas_between_thousands() {
        assert_eq!([0, 999, 1000, 1_045_000].map(whole), ["0", "999", "1,000", "1,045,000"]);
    }

    #[test]
    fn the_sizes_are_those_of_what_there_is() {
        let session = Session { id: 7, messages: 50_000 };
        let sessions = vec![session, Session { id: 8, messages: 2 }];
        let user = User { id: 1, agent_id: 1, is_live: true, sessions };
        let data = Data { users: vec![user], long: Long { user_id: 1, session } };

        let expected = "1 users, 2 sessions, 50,002 messages, 50,000 of them in one conversation";
        assert_eq!(of_data(&data), expected);
    }
}
