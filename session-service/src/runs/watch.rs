//! Watching a run: what has happened, from its log, then what happens, as it
//! happens, then its end, from Postgres.
//!
//! Each event is sent once, in the order of its id. Whatever is not above the last
//! one sent is dropped, so that an attempt whose claim was lost can't be heard.

use std::{sync::Arc, time::Duration};

use bootstrap::report;
use chrono::{TimeDelta, Utc};
use futures::{Stream, StreamExt as _, stream};
use run_queue::{
    Lagged, Listener,
    events::{self, ReadError, Replay, RunEvent},
};
use storage::{
    RunId, UserId,
    entity::{message, run},
    messages, runs,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{self, Instant},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::Runs;
use crate::{Error, connections, door::Slot};

/// Without an event for so long, a sign of life is sent.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a client may take for one event.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many events wait for a client.
const WAITING: usize = 8;
/// How long the last events of a run that has ended recently are waited for, and how
/// often its log is read meanwhile.
const LAST_EVENTS: Duration = Duration::from_secs(2);
const RECENTLY: TimeDelta = TimeDelta::seconds(60);
const READ_AGAIN: Duration = Duration::from_millis(100);
/// How long a log that can't be read is waited for where events are missing: longer
/// than one request to it that is lost.
const OUT_OF_REACH: Duration = Duration::from_secs(5);

/// What one who watches a run sees.
#[derive(Debug)]
pub(crate) enum Watched {
    /// The run as it is at the beginning of the watch.
    State(Box<run::Model>),
    Event(RunEvent),
    /// Events are lost.
    Gap,
    Heartbeat,
    /// The run as it ended, and its answer.
    Final(Box<run::Model>, Option<message::Model>),
}

impl Runs {
    /// Watches a run from the event after `after` on; 0 is before the first one.
    pub(crate) async fn watch(
        &self,
        user_id: UserId,
        run_id: RunId,
        after: i64,
    ) -> Result<impl Stream<Item = Result<Watched, Error>> + use<>, Error> {
        // Listening first: what happens after the look is heard.
        let (ends, live) = (self.ends.join(run_id.0), self.events.join(run_id.0));
        let run = runs::get(&self.db, user_id, run_id).await?;
        Slot::current()?.wait()?;
        let (out, watched) = mpsc::channel(WAITING);
        let replay = self.log.replay(run_id.0, after);
        let ending = connections::ending().unwrap_or_else(|| self.shutdown.clone());
        let watcher = Watcher { runs: self.clone(), ends, live, replay, sent: after, out, ending };
        let (end, ended) = oneshot::channel();
        let watching = async move {
            // Nobody is there to be told if it can't be sent.
            let _ = end.send(watcher.watch(run).await);
        };
        tokio::spawn(watching.in_current_span());
        let end = stream::once(ended).filter_map(async |end| match end {
            Ok(Err(error)) => Some(Err(error)),
            Ok(Ok(())) => None,
            Err(panic) => Some(Err(Error::Internal(panic.into()))),
        });
        Ok(ReceiverStream::new(watched).map(Ok).chain(end))
    }
}

struct Watcher {
    runs: Runs,
    ends: Listener<()>,
    live: Listener<Arc<RunEvent>>,
    replay: Replay,
    /// The id of the last event that was sent.
    sent: i64,
    out: mpsc::Sender<Watched>,
    /// The end of the connection that is watched over.
    ending: CancellationToken,
}

impl Watcher {
    async fn watch(mut self, mut run: run::Model) -> Result<(), Error> {
        if self.sent == 0 {
            self.send(Watched::State(Box::new(run.clone()))).await?;
        }
        self.replay(run.id).await?;
        while run.ended_at.is_none() {
            tokio::select! {
                event = self.live.next() => self.pass_on(run.id, event).await?,
                _ = self.ends.next() => {
                    run = runs::follow(&self.runs.db, run.user_id, run.id).await?;
                }
                () = time::sleep(HEARTBEAT) => self.send(Watched::Heartbeat).await?,
                () = self.ending.cancelled() => {
                    return Err(Error::ShuttingDown { after_event_id: self.sent });
                }
                () = self.out.closed() => return Ok(()),
            }
        }
        self.finish(run).await
    }

    async fn pass_on(
        &mut self,
        run_id: RunId,
        event: Result<Arc<RunEvent>, Lagged>,
    ) -> Result<(), Error> {
        let Ok(event) = event else {
            // More was heard than was kept; the log has it.
            self.replay(run_id).await?;
            return Ok(());
        };
        // One that was heard may not be stored yet, and the log may be out of reach for
        // a moment.
        let patience = Instant::now() + OUT_OF_REACH;
        let mut looks = 0;
        while self.sent < event.event_id && !events::is_next(self.sent, event.event_id) {
            looks += u8::from(self.replay(run_id).await?);
            if looks == 2 || patience <= Instant::now() {
                break;
            }
            time::sleep(READ_AGAIN).await;
            self.begin_log_anew(run_id);
        }
        self.accept(Arc::unwrap_or_clone(event)).await
    }

    /// Sends what is in the log and was not sent yet; without a log, that is
    /// nothing. False if it can't be read for now.
    async fn replay(&mut self, run_id: RunId) -> Result<bool, Error> {
        loop {
            match self.replay.next_batch().await {
                Ok(Some(events)) => {
                    for event in events {
                        self.accept(event).await?;
                    }
                }
                Ok(None) => return Ok(true),
                Err(error) => {
                    tracing::warn!(error = %report(&error), run.id = %run_id, "no log was read");
                    self.begin_log_anew(run_id);
                    return Ok(matches!(error, ReadError::NoStream));
                }
            }
        }
    }

    /// It may be another log by now, with less in it.
    fn begin_log_anew(&mut self, run_id: RunId) {
        self.replay = self.runs.log.replay(run_id.0, self.sent);
    }

    async fn accept(&mut self, event: RunEvent) -> Result<(), Error> {
        let id = event.event_id;
        if id <= self.sent {
            return Ok(());
        }
        if !events::is_next(self.sent, id) {
            self.send(Watched::Gap).await?;
        }
        self.send(Watched::Event(event)).await?;
        self.sent = id;
        Ok(())
    }

    /// Sends the last events of a run that has ended, as far as they are to be had,
    /// and the end.
    async fn finish(&mut self, run: run::Model) -> Result<(), Error> {
        let last = last_event_id(&run);
        let is_recent = run.ended_at.is_some_and(|it| Utc::now() - RECENTLY < it);
        let patience = Instant::now() + if is_recent { LAST_EVENTS } else { Duration::ZERO };
        loop {
            while let Some(event) = self.live.try_next() {
                self.pass_on(run.id, Ok(event)).await?;
            }
            if last <= self.sent {
                break;
            }
            self.replay(run.id).await?;
            if last <= self.sent || patience <= Instant::now() {
                break;
            }
            time::sleep(READ_AGAIN).await;
        }
        if self.sent < last {
            self.begin_log_anew(run.id);
            self.replay(run.id).await?;
        }
        if self.sent < last {
            self.send(Watched::Gap).await?;
        }
        let answer = messages::find_answer(&self.runs.db, run.user_id, run.id).await?;
        self.send(Watched::Final(Box::new(run), answer)).await
    }

    async fn send(&mut self, watched: Watched) -> Result<(), Error> {
        match self.out.send_timeout(watched, PATIENCE).await {
            Ok(()) => Ok(()),
            // Nobody is there to be told of it.
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(Error::BrokenOff),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                Err(Error::SlowConsumer { after_event_id: self.sent })
            }
        }
    }
}

/// The last event before the final one.
pub(crate) fn last_event_id(ended: &run::Model) -> i64 {
    // A worker of the release before wrote no events.
    ended.last_event_id.unwrap_or(ended.fence << 32)
}
