//! What a process can do nothing without, asked again and again whether it answers.

use std::time::Duration;

use run_queue::Probe as QueueProbe;
use storage::Probe as DatabaseProbe;
use tokio::time;

use super::{Readiness, hysteresis::Hysteresis};

const INTERVAL: Duration = Duration::from_secs(2);
/// How soon they are asked again before both have answered for the first time: later each time.
const AT_START: Duration = Duration::from_millis(20);
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Dependencies {
    pub database: DatabaseProbe,
    pub queue: QueueProbe,
}

impl Dependencies {
    /// Tells `readiness` what comes of it, for ever.
    pub async fn watch(self, readiness: Readiness) {
        let (mut database, mut nats) = (Hysteresis::default(), Hysteresis::default());
        let mut pause = AT_START;
        loop {
            let (database_answers, nats_answers) = tokio::join!(
                time::timeout(TIMEOUT, self.database.answers()),
                time::timeout(TIMEOUT, self.queue.answers()),
            );
            let database = database.note(database_answers.unwrap_or_default());
            let nats = nats.note(nats_answers.unwrap_or_default());
            let before = readiness.now();
            readiness.note(database, nats);
            tell("the database", before.database, database);
            tell("NATS", before.nats, nats);
            time::sleep(pause).await;
            pause = if database && nats { INTERVAL } else { INTERVAL.min(2 * pause) };
        }
    }
}

fn tell(dependency: &str, before: bool, now: bool) {
    match (before, now) {
        (true, false) => tracing::warn!("{dependency} does not answer: not ready"),
        (false, true) => tracing::info!("{dependency} answers"),
        _ => (),
    }
}
