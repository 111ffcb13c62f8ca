//! Hearing what happens to runs, on behalf of all who wait for them or watch them.

use std::{sync::Arc, time::Duration};

use async_nats::Client;
use bootstrap::report;
use run_queue::{EndedRuns, Names, events::LiveEvents};
use storage::{RunId, runs};
use tokio::time::{self, MissedTickBehavior};

use super::Runs;

/// How often is looked for ends that were not heard.
const LOOK: Duration = Duration::from_secs(1);

impl Runs {
    /// Passes on to those who wait which runs have ended.
    pub async fn hear_ends(self, client: Client, names: Names) {
        match EndedRuns::subscribe(&client, &names).await {
            Ok(mut ends) => {
                while let Some(run_id) = ends.next().await {
                    self.ends.announce(run_id, ());
                }
            }
            Err(error) => tracing::error!(error = %report(&error), "ends can't be heard"),
        }
    }

    /// Passes on to those who watch what happens.
    pub async fn hear_events(self, client: Client, names: Names) {
        match LiveEvents::subscribe(&client, &names).await {
            Ok(mut events) => {
                while let Some((run_id, event)) = events.next().await {
                    self.events.announce(run_id, Arc::new(event));
                }
            }
            Err(error) => tracing::error!(error = %report(&error), "events can't be heard"),
        }
    }

    /// Looks for ends that were not heard: one statement for all who wait.
    pub async fn look_for_ends(self) {
        let mut ticks = time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let ids: Vec<RunId> = self.ends.run_ids().into_iter().map(RunId).collect();
            if ids.is_empty() {
                continue;
            }
            match runs::ended_of(&self.db, &ids).await {
                Ok(ended) => ended.into_iter().for_each(|id| self.ends.announce(id.0, ())),
                Err(error) => tracing::warn!(error = %report(&error), "ends were not looked for"),
            }
        }
    }

    /// Sees to it that there are a queue, a log of events and a place for dead letters.
    pub async fn keep_streams(self) {
        self.streams.keep().await;
    }
}
