//! Watches of runs, cut at random and resumed.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use proto::v1::{
    RunEvent, RunFinalEvent, RunState, WatchRunRequest, WatchRunResponse, run_event::Event,
};
use rand::{Rng as _, rngs::StdRng};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tonic::{Code, Status, Streaming};

use super::{
    client::{self, Runs},
    facts::Watched,
};

/// How many times a watch is cut; then it goes on for as long as it can.
const MAX_CUTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct Watch {
    run_id: i64,
    /// The largest event_id so far.
    cursor: i64,
    text: String,
    /// Whether something may be missing in `text`.
    is_incomplete: bool,
    saw_gap: bool,
    is_over: bool,
    state: Option<String>,
    problem: Option<String>,
}

/// Watches a run to its end, or until `over` is true.
pub(super) async fn watch(
    services: Arc<[Runs]>,
    run_id: i64,
    mut random: StdRng,
    mut over: watch::Receiver<bool>,
) -> Watched {
    let mut watch = Watch::of(run_id);
    let mut reconnects = 0;
    let watching = async {
        sleep(Duration::from_millis(random.random_range(0..2_000))).await;
        while !watch.is_over {
            let service = services[random.random_range(0..services.len())].clone();
            let cut = cut(&mut random, reconnects);
            watch.go_on(service, cut).await;
            reconnects += 1;
        }
    };
    tokio::select! {
        () = watching => (),
        _ = over.wait_for(|over| *over) => (),
    }
    if watch.state.is_none() {
        watch.object("it has not ended".to_owned());
    }
    let Watch { saw_gap, state, problem, .. } = watch;
    let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let until = i64::try_from(until).unwrap_or(i64::MAX);
    Watched { run_id, reconnects, saw_gap, until, state, problem }
}

/// After how many events, and when, a stream is dropped.
fn cut(random: &mut StdRng, reconnects: u32) -> (usize, Instant) {
    if reconnects >= MAX_CUTS || random.random_bool(0.3) {
        return (usize::MAX, Instant::now() + Duration::from_secs(3_600));
    }
    let after = Duration::from_millis(random.random_range(0..1_500));
    (random.random_range(1..8), Instant::now() + after)
}

impl Watch {
    fn of(run_id: i64) -> Self {
        let (text, state, problem) = (String::new(), None, None);
        let (cursor, is_incomplete, saw_gap, is_over) = (0, false, false, false);
        Self { run_id, cursor, text, is_incomplete, saw_gap, is_over, state, problem }
    }

    /// The first problem is the one that tells.
    fn object(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    /// Resumes the watch, until it is cut.
    async fn go_on(&mut self, mut service: Runs, (events, cut): (usize, Instant)) {
        let request = WatchRunRequest { run_id: self.run_id, after_event_id: self.cursor };
        let stopped = tokio::select! {
            opened = service.watch_run(request) => match opened {
                Ok(stream) => self.follow(stream.into_inner(), events, cut).await,
                Err(status) => Err(status),
            },
            () = sleep_until(cut) => Ok(()),
        };
        if let Err(status) = stopped {
            if !client::may_pass(&status) && status.code() != Code::Aborted {
                self.object(format!("it ended with {:?}: {}", status.code(), status.message()));
                self.is_over = true;
            }
            sleep(PAUSE).await;
        }
        self.is_over |= self.state.is_some();
    }

    async fn follow(
        &mut self,
        mut stream: Streaming<WatchRunResponse>,
        events: usize,
        cut: Instant,
    ) -> Result<(), Status> {
        for _ in 0..events {
            let response = tokio::select! {
                response = stream.message() => response?,
                () = sleep_until(cut) => return Ok(()),
            };
            let Some(event) = response.and_then(|response| response.event) else {
                if self.state.is_none() {
                    self.object("the stream ended without a final event".to_owned());
                }
                self.is_over = true;
                return Ok(());
            };
            self.hear(event);
        }
        Ok(())
    }

    fn hear(&mut self, RunEvent { event_id, event, .. }: RunEvent) {
        if self.state.is_some() {
            self.object("an event after the final one".to_owned());
        }
        if event_id != 0 && event_id <= self.cursor {
            self.object(format!("event {event_id} after {}", self.cursor));
        }
        self.cursor = self.cursor.max(event_id);
        match event {
            Some(Event::Attempt(_)) => {
                self.text.clear();
                self.is_incomplete = false;
            }
            Some(Event::TextDelta(delta)) => self.text.push_str(&delta.text),
            Some(Event::Gap(_)) => (self.is_incomplete, self.saw_gap) = (true, true),
            Some(Event::Final(last)) => self.end(*last),
            _ => (),
        }
    }

    fn end(&mut self, RunFinalEvent { run, answer }: RunFinalEvent) {
        let state = run.map_or(RunState::Unspecified, |run| run.state());
        self.state = Some(name(state));
        let content = answer.map(|answer| answer.content).unwrap_or_default();
        if state == RunState::Succeeded && !self.is_incomplete && self.text != content {
            self.object(format!("the pieces are {:?}, the answer is {content:?}", self.text));
        }
    }
}

/// As it is stored.
pub(super) fn name(state: RunState) -> String {
    state.as_str_name().trim_start_matches("RUN_STATE_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use proto::v1::{GapEvent, Message, Run, RunAttemptEvent, TextDeltaEvent};

    use super::*;

    fn text(text: &str) -> Event {
        Event::TextDelta(TextDeltaEvent { text: text.to_owned() })
    }

    fn attempt(number: i32) -> Event {
        Event::Attempt(RunAttemptEvent { number })
    }

    fn succeeded(content: &str) -> Event {
        let run = Run { state: RunState::Succeeded.into(), ..Default::default() };
        let answer = Message { content: content.to_owned(), ..Default::default() };
        Event::Final(RunFinalEvent { run: Some(run), answer: Some(answer) }.into())
    }

    #[track_caller]
    fn check(events: Vec<(i64, Event)>, is_right: bool) {
        let mut watch = Watch::of(1);
        for (event_id, event) in events {
            watch.hear(RunEvent { event_id, event: Some(event), time: None });
        }
        assert_eq!(watch.problem.is_none(), is_right, "{:?}", watch.problem);
    }

    #[test]
    fn the_pieces_of_the_last_attempt_make_the_answer() {
        let first = || vec![(1, attempt(1)), (2, text("one"))];
        let with = |more: Vec<_>| first().into_iter().chain(more).collect();

        check(with(vec![(3, text(" two")), (4, succeeded("one two"))]), true);
        check(with(vec![(3, succeeded("one two"))]), false);
        check(with(vec![(9, attempt(2)), (10, text("two")), (11, succeeded("two"))]), true);
        check(with(vec![(9, attempt(2)), (10, text("two")), (11, succeeded("one"))]), false);
    }

    #[test]
    fn after_a_gap_the_pieces_may_be_too_few() {
        let gap = || (0, Event::Gap(GapEvent {}));

        check(vec![(1, attempt(1)), gap(), (4, text("two")), (5, succeeded("one two"))], true);
        check(vec![gap(), (8, attempt(2)), (9, text("two")), (10, succeeded("one two"))], false);
    }

    #[test]
    fn an_event_that_was_given_before_is_a_problem() {
        check(vec![(1, attempt(1)), (1, attempt(1))], false);
        check(vec![(2, attempt(1)), (1, text(""))], false);
        check(vec![(1, attempt(1)), (2, succeeded("")), (3, text(""))], false);
    }
}
