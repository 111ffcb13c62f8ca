//! Which executions of several recordings are the same.
//!
//! What happens at once on several connections is in no fixed order, so transactions
//! are told apart first, and compared as wholes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::{bail, ensure};
use recorder::Execution;

use super::template::form;

/// What a pool does to its connections between two uses of them.
const HOUSEKEEPING: &str = "DISCARD ALL";

/// A transaction, or one statement outside of any.
#[derive(Clone, Debug)]
pub(super) struct Unit<'a>(Vec<&'a Execution>);

/// What the same units of all recordings have in common.
type Key = Vec<String>;

/// The same execution in each of the recordings.
pub(super) type Aligned<'a> = Vec<&'a Execution>;

impl Unit<'_> {
    fn key(&self) -> Key {
        let place = |it: &Execution| format!("{} {}", it.database, form(&it.user));
        self.0.iter().map(|it| format!("{}: {}", place(it), form(&it.sql))).collect()
    }
}

/// The units of one recording, in order of their beginning.
fn units(executions: &[Execution]) -> anyhow::Result<Vec<Unit<'_>>> {
    let mut units: Vec<Unit<'_>> = Vec::new();
    let mut open: HashMap<u64, usize> = HashMap::new();
    for execution in executions.iter().filter(|it| it.sql != HOUSEKEEPING) {
        if let Some(error) = &execution.error {
            bail!("{} failed while it was recorded: {error}", execution.sql);
        }
        ensure!(!execution.tags.is_empty(), "{} has no answer", execution.sql);
        let copies = execution.tags.iter().any(|tag| tag.starts_with("COPY"));
        ensure!(!copies, "{} copies data, which was not recorded", execution.sql);
        match open.get(&execution.connection) {
            Some(&index) => units[index].0.push(execution),
            None => units.push(Unit(vec![execution])),
        }
        for tag in &execution.tags {
            match tag.as_str() {
                "BEGIN" | "START TRANSACTION" => {
                    open.entry(execution.connection).or_insert(units.len() - 1);
                }
                "COMMIT" | "ROLLBACK" => drop(open.remove(&execution.connection)),
                _ => {}
            }
        }
    }
    Ok(units)
}

/// The executions that all recordings have, and the statements that they have not, or
/// that are executed in the background as well.
pub(super) fn align<'a>(
    background: &[Execution],
    recordings: &'a [&[Execution]],
) -> anyhow::Result<(Vec<Vec<Aligned<'a>>>, Vec<String>)> {
    let background: HashSet<Key> = units(background)?.iter().map(Unit::key).collect();
    let recordings = recordings.iter().map(|it| units(it)).collect::<anyhow::Result<Vec<_>>>()?;
    let by_key: Vec<BTreeMap<Key, Vec<&Unit<'_>>>> =
        recordings.iter().map(|it| sorted(it)).collect();

    let mut aligned = Vec::new();
    let mut left_out = HashSet::new();
    let mut seen: HashMap<Key, usize> = HashMap::new();
    let [first, ..] = &recordings[..] else { bail!("nothing was recorded") };
    for unit in first {
        let key = unit.key();
        let nth = seen.entry(key.clone()).or_default();
        let same: Option<Vec<&Unit<'_>>> =
            by_key.iter().map(|it| it.get(&key)?.get(*nth).copied()).collect();
        *nth += 1;
        match same.filter(|_| !background.contains(&key)) {
            Some(same) => aligned.push(transposed(&same)),
            None => drop(left_out.insert(key)),
        }
    }
    let others = by_key.iter().flat_map(|it| it.iter());
    let more = others.filter(|(key, units)| seen.get(*key).is_none_or(|it| *it < units.len()));
    left_out.extend(more.map(|(key, _)| key.clone()));
    Ok((aligned, left_out.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect()))
}

fn sorted<'u, 'a>(units: &'u [Unit<'a>]) -> BTreeMap<Key, Vec<&'u Unit<'a>>> {
    let mut by_key = BTreeMap::<Key, Vec<&Unit<'a>>>::new();
    for unit in units {
        by_key.entry(unit.key()).or_default().push(unit);
    }
    by_key
}

fn transposed<'a>(same: &[&Unit<'a>]) -> Vec<Aligned<'a>> {
    let length = same.first().map_or(0, |unit| unit.0.len());
    (0..length).map(|index| same.iter().map(|unit| unit.0[index]).collect()).collect()
}
