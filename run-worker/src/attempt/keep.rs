//! Keeping a claim while the work goes on.

use bootstrap::report;
use run_queue::{ACK_WAIT, Delivery, Listener};
use storage::runs::{self, Claim};
use tokio::time::{self, Instant, MissedTickBehavior};

use super::{Attempt, Stop};

impl Attempt<'_> {
    /// Renews the claim and the delivery; returns when the claim is lost, or may be,
    /// or when the run's end was asked for.
    pub(super) async fn keep(
        &self,
        delivery: &Delivery,
        cancels: &mut Listener<()>,
        mut kept_at: Instant,
    ) -> Stop {
        let lease = self.worker.terms.lease;
        let period = lease.min(ACK_WAIT) / 3;
        let mut ticks = time::interval_at(Instant::now() + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // A message that asks to cancel only has us look: Postgres knows.
            tokio::select! {
                _ = ticks.tick() => (),
                _ = cancels.next() => (),
            }
            let asked_at = Instant::now();
            match time::timeout(period, runs::renew(&self.worker.db, &self.run, lease)).await {
                Ok(Ok(Claim::Held)) => kept_at = asked_at,
                Ok(Ok(Claim::Cancelling)) => return Stop::Cancelled,
                Ok(Ok(Claim::Lost)) => return Stop::Lost,
                Ok(Err(error)) => {
                    tracing::warn!(error = %report(&error), "the lease was not renewed");
                }
                Err(_) => tracing::warn!("the lease was not renewed in time"),
            }
            if lease <= kept_at.elapsed() {
                return Stop::Lost;
            }
            match time::timeout(period, delivery.in_progress()).await {
                Ok(Ok(())) => (),
                Ok(Err(error)) => {
                    tracing::warn!(error = %report(&*error), "a delivery was not prolonged");
                }
                Err(_) => tracing::warn!("a delivery was not prolonged in time"),
            }
        }
    }
}
