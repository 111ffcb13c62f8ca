//! How long things took to go on after faults.

use std::time::Duration;

use super::Check;
use crate::chaos::{
    database::Database,
    facts::{Facts, Recovery},
    faults::TAKE_OVER_LIMIT,
};

/// Runs that a killed worker had, each from the kill to its end by another worker, less what its
/// statement took there. Those that a second fault met are left out.
const FINISHED: &str = "
    SELECT (extract(epoch FROM e.at - h.at) * 1000)::bigint - coalesce(r.execution_ms, 0)
    FROM chaos.hits h JOIN chaos.claims c ON c.role = h.role
    JOIN chaos.ends e ON e.run_id = c.run_id JOIN runs r ON r.id = c.run_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, min(at) AS at FROM chaos.claims
        WHERE run_id = c.run_id AND id > c.id) later
    CROSS JOIN LATERAL (
        SELECT count(*) AS count FROM chaos.windows WHERE h.at < ended AND began < e.at) met
    WHERE h.is_kill AND e.role LIKE 'chaos_worker%' AND later.count = 1 AND h.at < later.at
        AND met.count = 1";

/// Adds to the facts what only the database tells.
pub(in crate::chaos) async fn measure(database: &Database, facts: &Facts) -> anyhow::Result<()> {
    for row in database.rows(FINISHED, &[]).await? {
        let took = Duration::from_millis(row.try_get::<_, i64>(0)?.try_into().unwrap_or_default());
        let fault = "kill -9 of a worker, its run has ended, less its statement's time";
        facts.recovered(fault, took, Some(TAKE_OVER_LIMIT));
    }
    Ok(())
}

pub(super) fn check(facts: &Facts) -> Check {
    let recoveries = facts.recoveries();
    let late = |it: &&Recovery| it.limit_milliseconds.is_some_and(|limit| limit < it.milliseconds);
    let late = recoveries.iter().filter(late);
    let late: Vec<_> = late.map(|it| format!("{}: {} ms", it.fault, it.milliseconds)).collect();
    let cases = u64::try_from(recoveries.len()).ok();
    Check { cases, ..Check::of("runs go on in time after a fault", &late) }
}
