//! Starting runs and waiting for them.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::Client;
use bootstrap::report;
use run_queue::{Names, Publisher, ended::EndedRuns};
use storage::{
    DatabaseConnection, RunId, UserId,
    entity::{message, run},
    messages,
    runs::{self, Conversation, Started, WakeUp},
};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;

use crate::{Error, waiting::Waiting};

/// How often one who waits looks by himself: the announcement can be lost.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub struct Runs {
    pub(crate) db: DatabaseConnection,
    publisher: Publisher,
    waiting: Waiting,
    shutdown: CancellationToken,
}

impl Runs {
    pub fn new(db: DatabaseConnection, publisher: Publisher, shutdown: CancellationToken) -> Self {
        Self { db, publisher, waiting: Waiting::default(), shutdown }
    }

    /// Stores a run and wakes a worker for it.
    ///
    /// In a task of its own: a caller who goes away between the two would cost
    /// the run the time until the sweep.
    pub(crate) async fn start(
        &self,
        user_id: UserId,
        conversation: Conversation,
        question: String,
    ) -> Result<run::Model, Error> {
        let this = self.clone();
        let started = tokio::spawn(async move {
            let Started { run, wake_up } =
                runs::start(&this.db, user_id, conversation, question).await?;
            if let Some(wake_up) = wake_up {
                tokio::spawn(async move { this.publish(wake_up).await });
            }
            Ok(run)
        });
        started.await.context("starting a run panicked")?
    }

    /// Waits for a run that was just started. Whatever goes wrong meanwhile, it was
    /// started: an error would have it asked again.
    pub(crate) async fn wait_if_possible(
        &self,
        user_id: UserId,
        run: run::Model,
        timeout: Duration,
    ) -> (run::Model, Option<message::Model>) {
        if timeout.is_zero() {
            return (run, None);
        }
        match self.wait(user_id, run.id, timeout).await {
            Ok(waited) => waited,
            Err(error) => {
                tracing::warn!(error = %report(&error), run.id = %run.id, "not waited for");
                (run, None)
            }
        }
    }

    /// Waits until a run has ended, or until `timeout`, and returns it as it is
    /// then, with its answer.
    pub(crate) async fn wait(
        &self,
        user_id: UserId,
        run_id: RunId,
        timeout: Duration,
    ) -> Result<(run::Model, Option<message::Model>), Error> {
        let deadline = Instant::now() + timeout;
        let waiter = self.waiting.join(run_id);
        loop {
            // Listening first: what ends after the look is announced.
            let mut ended = std::pin::pin!(waiter.ended.notified());
            ended.as_mut().enable();
            let run = runs::get(&self.db, user_id, run_id).await?;
            if run.ended_at.is_some() {
                let answer = messages::find_answer(&self.db, user_id, run_id).await?;
                return Ok((run, answer));
            }
            let now = Instant::now();
            if deadline <= now || self.shutdown.is_cancelled() {
                return Ok((run, None));
            }
            tokio::select! {
                () = ended => (),
                () = self.shutdown.cancelled() => (),
                () = time::sleep_until(deadline.min(now + LOOK_AGAIN)) => (),
            }
        }
    }

    /// Publishes a wake-up that was committed. One that can't be published is due
    /// again soon, for the sweep.
    pub(crate) async fn publish(&self, wake_up: WakeUp) {
        let Err(error) = self.publisher.wake_up(wake_up.run_id.0, wake_up.publication).await else {
            return;
        };
        tracing::warn!(error = %report(&error), run.id = %wake_up.run_id, "not published");
        if let Err(error) = runs::publish_again(&self.db, wake_up).await {
            tracing::warn!(error = %report(&error), "a wake-up was left to its next time");
        }
    }

    pub(crate) fn can_publish(&self) -> bool {
        self.publisher.is_connected()
    }

    /// Passes on to those who wait which runs have ended.
    pub async fn hear_ends(self, client: Client, names: Names) {
        let mut ends = match EndedRuns::subscribe(&client, &names).await {
            Ok(ends) => ends,
            Err(error) => {
                tracing::error!(error = %report(&error), "ends can't be heard");
                return;
            }
        };
        while let Some(run_id) = ends.next().await {
            self.waiting.announce(RunId(run_id));
        }
    }
}
