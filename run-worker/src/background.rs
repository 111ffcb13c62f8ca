//! Work beside runs, a batch at a time, for as long as the worker works.

use std::{collections::VecDeque, time::Duration};

use bootstrap::report;
use futures::future;
use storage::{
    Database,
    background::{self, Kind, Task},
};
use tokio::time::{self, Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::Error;

/// How long a task is a worker's the first time; then for longer each time.
const LEASE: Duration = Duration::from_secs(300);
/// How long after tasks were taken the last of them may be begun, and how long it may
/// take then.
const PATIENCE: Duration = Duration::from_secs(120);
const _: () = assert!(2 * PATIENCE.as_secs() < LEASE.as_secs(), "no two workers on one task");
/// How many times a task is tried before it is given up; if an operator may set it
/// right, not before it is old.
const MAX_ATTEMPTS: i32 = 10;
/// How often to look for tasks while there are none.
const IDLE: Duration = Duration::from_secs(2);
/// How long to leave alone what has failed, the database or what the tasks need.
const TROUBLED: Duration = Duration::from_secs(5);
/// How long what is in hand may go on after a shutdown was asked for.
const GRACE: Duration = Duration::from_secs(5);
/// How far behind is worth a warning, and how often.
const LONG: Duration = Duration::from_secs(60);

/// Tasks of a kind, and what is done about them.
pub(crate) struct Tasks<H> {
    pub(crate) db: Database,
    pub(crate) kind: Kind,
    /// How many are taken at most.
    pub(crate) batch: u16,
    pub(crate) sharing: Sharing,
    pub(crate) handle: H,
}

/// What tasks of a kind have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// All need the same provider: they are handled together, and wait together.
    Provider,
    /// Nothing: each is handled by itself, beside the others.
    Nothing,
}

/// What taking tasks has met with.
enum Taken {
    Some,
    None,
    /// Others would meet with the same.
    Trouble,
}

/// What has become of tasks.
enum Tried {
    /// Nothing is left to do about them for now.
    Settled,
    /// It is not up to them that they are not done, and may pass.
    Trouble,
    /// There was no time for them.
    Stopped,
}

impl<H, F> Tasks<H>
where
    H: Fn(Vec<Task>) -> F,
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    /// Takes tasks and has them handled, until `shutdown` is cancelled.
    ///
    /// They are done if that succeeds. If it fails they are given back, and handled
    /// each by itself from then on, so that none costs another its attempts. An error
    /// that may pass costs none.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let mut looked_at = Instant::now();
        while !shutdown.is_cancelled() {
            let pause = match self.take(&shutdown).await {
                Ok(Taken::Some) => Duration::ZERO,
                Ok(Taken::None) => IDLE,
                Ok(Taken::Trouble) => TROUBLED,
                Err(error) => {
                    let kind = self.kind.name();
                    tracing::warn!(error = %report(&error), kind, "tasks are left alone");
                    TROUBLED
                }
            };
            shutdown.run_until_cancelled(time::sleep(pause)).await;
            if LONG < looked_at.elapsed() {
                looked_at = Instant::now();
                self.warn_of_lag().await;
            }
        }
    }

    async fn take(&self, shutdown: &CancellationToken) -> Result<Taken, storage::Error> {
        let taken = background::take(&self.db, self.kind, self.batch, LEASE).await?;
        if taken.is_empty() {
            return Ok(Taken::None);
        }
        let is_exhausted = |task: &Task| MAX_ATTEMPTS < task.attempts && task.is_old;
        let (exhausted, taken): (Vec<_>, Vec<_>) = taken.into_iter().partition(is_exhausted);
        self.give_up(&exhausted).await?;
        if self.sharing == Sharing::Provider {
            return self.try_in_turn(taken, shutdown).await;
        }
        let tries = taken.into_iter().map(|task| self.try_in_turn(vec![task], shutdown));
        for tried in future::join_all(tries).await {
            tried?;
        }
        Ok(Taken::Some)
    }

    /// Handles those together that are new, and then each of the others, for as long
    /// as there is time and no trouble. The rest is given back.
    async fn try_in_turn(
        &self,
        tasks: Vec<Task>,
        shutdown: &CancellationToken,
    ) -> Result<Taken, storage::Error> {
        let taken_at = Instant::now();
        let (fresh, tried): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|it| it.attempts == 1);
        let mut groups = VecDeque::from_iter(tried.into_iter().map(|task| vec![task]));
        groups.push_front(fresh);
        while let Some(tasks) = groups.pop_front() {
            let tried = match shutdown.is_cancelled() || PATIENCE < taken_at.elapsed() {
                true => Tried::Stopped,
                false => self.try_all(&tasks, shutdown).await?,
            };
            if matches!(tried, Tried::Settled) {
                continue;
            }
            groups.push_front(tasks);
            let left: Vec<Task> = groups.into_iter().flatten().collect();
            if matches!(tried, Tried::Stopped) {
                background::give_back(&self.db, self.kind, &left).await?;
                return Ok(Taken::Some);
            }
            background::postpone(&self.db, self.kind, &left).await?;
            return Ok(Taken::Trouble);
        }
        Ok(Taken::Some)
    }

    async fn try_all(
        &self,
        tasks: &[Task],
        shutdown: &CancellationToken,
    ) -> Result<Tried, storage::Error> {
        if tasks.is_empty() {
            return Ok(Tried::Settled);
        }
        let too_late = async {
            shutdown.cancelled().await;
            time::sleep(GRACE).await;
        };
        // In a task of its own, so that a panic costs these attempts alone.
        let handling = AbortOnDropHandle::new(tokio::spawn((self.handle)(tasks.to_vec())));
        let handled = tokio::select! {
            handled = time::timeout(PATIENCE, handling) => handled,
            () = too_late => return Ok(Tried::Stopped),
        };
        match handled {
            Ok(Ok(Ok(()))) => {
                background::done(&self.db, self.kind, tasks).await?;
                Ok(Tried::Settled)
            }
            Ok(Ok(Err(error))) => self.failed(tasks, &error).await,
            // What it says may be what people have said.
            Ok(Err(_)) => {
                let (kind, count) = (self.kind.name(), tasks.len());
                tracing::error!(kind, count, "tasks panicked");
                self.try_again(tasks).await
            }
            Err(_) => {
                let (kind, count) = (self.kind.name(), tasks.len());
                tracing::warn!(kind, count, "tasks took too long");
                self.try_again(tasks).await
            }
        }
    }

    async fn failed(&self, tasks: &[Task], error: &Error) -> Result<Tried, storage::Error> {
        let (kind, count) = (self.kind.name(), tasks.len());
        tracing::warn!(error = %report(error), kind, count, "tasks failed");
        if error.is_transient() {
            return Ok(Tried::Trouble);
        }
        if is_for_operators(error) {
            background::retry(&self.db, self.kind, tasks).await?;
            return Ok(Tried::Settled);
        }
        self.try_again(tasks).await
    }

    /// Gives tasks back for another try, but for those whose last it was.
    async fn try_again(&self, tasks: &[Task]) -> Result<Tried, storage::Error> {
        let is_last = |task: &Task| MAX_ATTEMPTS <= task.attempts;
        let (exhausted, tasks): (Vec<_>, Vec<_>) = tasks.iter().cloned().partition(is_last);
        self.give_up(&exhausted).await?;
        background::retry(&self.db, self.kind, &tasks).await?;
        Ok(Tried::Settled)
    }

    async fn give_up(&self, exhausted: &[Task]) -> Result<(), storage::Error> {
        for task in exhausted {
            let (kind, id) = (self.kind.name(), task.subject_id);
            tracing::warn!(kind, id, attempts = task.attempts, "a task is given up");
        }
        background::done(&self.db, self.kind, exhausted).await
    }

    async fn warn_of_lag(&self) {
        match background::lag(&self.db, self.kind).await {
            Ok(lag) if LONG < lag.oldest => {
                let (kind, seconds) = (self.kind.name(), lag.oldest.as_secs());
                tracing::warn!(kind, tasks = lag.tasks, seconds, "tasks have to wait");
            }
            Ok(_) => (),
            Err(error) => tracing::warn!(error = %report(&error), "the lag is not known"),
        }
    }
}

/// Whether an operator may set it right. Providers refuse a text in the same words, so
/// that neither keeps other tasks waiting, and each is tried for longer.
fn is_for_operators(error: &Error) -> bool {
    matches!(error, Error::Model(model::Error::Rejected(_)) | Error::ModelNotAllowed(_))
}
