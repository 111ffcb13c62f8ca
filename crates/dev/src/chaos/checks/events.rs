//! The event logs: complete where no fault could make a hole.

use super::Check;
use crate::chaos::{
    cluster::Cluster,
    database::Database,
    event_log::{self, Logs},
};

/// An event_id is a fence in the upper half, and the event's number in the lower.
const NUMBER_BITS: u32 = 32;

/// When runs had events that a worker wrote to their end.
const WRITTEN: &str = "
    FROM runs r JOIN chaos.ends e ON e.run_id = r.id
    CROSS JOIN LATERAL (SELECT min(at) AS at FROM chaos.claims c WHERE c.run_id = r.id) c";
/// The faults that can touch events: of NATS or of the ways to it, and those that stop a worker.
const TOUCHING: &str = "'stop-nats', 'wipe-streams', 'cut-connections', 'kill-any',
    'kill-service-before-publish', 'kill-worker-after-claim', 'kill-worker-executing',
    'kill-worker-before-commit', 'kill-worker-before-ack', 'pause-worker',
    'pause-worker-before-commit'";

/// `logs` holds what was read before the streams were deleted.
pub(super) async fn check(cluster: &Cluster, mut logs: Logs) -> anyhow::Result<Check> {
    let untouched = format!(
        "SELECT r.id, r.fence, r.last_event_id {WRITTEN}
        WHERE e.role LIKE 'chaos_worker%' AND NOT chaos.met(c.at, e.at, {TOUCHING})
        ORDER BY r.id"
    );
    let rows = cluster.database.rows(&untouched, &[]).await?;
    let cases = u64::try_from(rows.len()).ok();
    event_log::read(&cluster.nats_url(), &mut logs).await?;
    let mut holes = Vec::new();
    for row in rows {
        let (run_id, fence, last): (i64, i64, Option<i64>) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        holes.extend(hole(run_id, fence, last, logs.remove(&run_id).unwrap_or_default()));
    }
    let name = "the event log of a run that no fault touched is complete";
    Ok(Check { cases, ..Check::of(name, &holes) })
}

/// Watches that were over before a fault could touch what they gave, and those that told of a gap.
pub(super) async fn gaps(database: &Database) -> anyhow::Result<Check> {
    let watched = format!(
        "SELECT r.id, w.saw_gap {WRITTEN} JOIN chaos.watched w ON w.run_id = r.id
        WHERE e.role LIKE 'chaos_worker%' AND NOT chaos.met(
            c.at, greatest(e.at, to_timestamp(w.until / 1000.0)), {TOUCHING})"
    );
    let rows = database.rows(&watched, &[]).await?;
    let cases = u64::try_from(rows.len()).ok();
    let mut gaps = Vec::new();
    for row in rows {
        if row.try_get(1)? {
            gaps.push(format!("run {}", row.try_get::<_, i64>(0)?));
        }
    }
    Ok(Check { cases, ..Check::of("a watch that no fault touched has no gap", &gaps) })
}

/// What is missing, or too much, among the events of the last claim.
fn hole(run_id: i64, fence: i64, last: Option<i64>, mut log: Vec<i64>) -> Option<String> {
    log.retain(|event_id| event_id >> NUMBER_BITS == fence);
    log.sort_unstable();
    log.dedup();
    let before_first = fence << NUMBER_BITS;
    let expected = last.unwrap_or(before_first);
    if log.iter().copied().eq(before_first + 1..=expected) && before_first < expected {
        return None;
    }
    let numbers: Vec<_> = log.iter().map(|it| it - before_first).collect();
    let count = expected - before_first;
    Some(format!("run {run_id}: {numbers:?} of {count} events of fence {fence}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(last: Option<i64>, numbers: &[i64], is_complete: bool) {
        let of_fence = |fence: i64| move |number: &i64| (fence << NUMBER_BITS) + number;
        let mut log: Vec<_> = numbers.iter().map(of_fence(2)).collect();
        log.extend([1, 2].iter().map(of_fence(1)));
        let last = last.map(|number| of_fence(2)(&number));
        assert_eq!(hole(7, 2, last, log).is_none(), is_complete, "{numbers:?} to {last:?}");
    }

    #[test]
    fn a_log_is_complete_from_one_to_the_last() {
        check(Some(3), &[1, 2, 3], true);
        check(Some(3), &[3, 1, 2, 2], true);
        check(Some(3), &[1, 3], false);
        check(Some(3), &[2, 3], false);
        check(Some(3), &[1, 2], false);
        check(Some(2), &[1, 2, 3], false);
        check(Some(3), &[], false);
        check(None, &[], false);
    }
}
