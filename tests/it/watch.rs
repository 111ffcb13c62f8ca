//! Whoever watches a run sees what has happened to it once, in order, and how it
//! ended: whenever he comes, however often he comes back, whatever is lost.

mod connections;
mod ends;
mod gaps;
mod lost_log;
mod many;
mod silence;
mod slow;
mod waiting;

use proto::v1::{self as pb, FinishReason, RunEvent, RunState, run_event::Event};

use crate::harness::{Api, Harness, Talker, numbered, text};

/// A run of a new session that no worker has begun with.
async fn queued(harness: &Harness) -> (Api, pb::Run) {
    harness.log_is_there().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let run = api.start(session.id, "well?").await;
    (api, run)
}

fn ids(events: &[RunEvent]) -> Vec<i64> {
    events.iter().map(|it| it.event_id).collect()
}

/// What kinds of events there are, without repetitions.
fn kinds(events: &[RunEvent]) -> Vec<&'static str> {
    let mut kinds: Vec<_> = events.iter().map(kind).collect();
    kinds.dedup();
    kinds
}

fn kind(event: &RunEvent) -> &'static str {
    match event.event {
        Some(Event::State(_)) => "state",
        Some(Event::Attempt(_)) => "attempt",
        Some(Event::SqlGenerated(_)) => "sql_generated",
        Some(Event::SqlError(_)) => "sql_error",
        Some(Event::Rows(_)) => "rows",
        Some(Event::TextDelta(_)) => "text_delta",
        Some(Event::Heartbeat(_)) => "heartbeat",
        Some(Event::Gap(_)) => "gap",
        Some(Event::Final(_)) => "final",
        None => "nothing",
    }
}

/// The run and its answer, as the last event shows them.
#[track_caller]
fn end(events: &[RunEvent]) -> (pb::Run, Option<pb::Message>) {
    match events.last().and_then(|it| it.event.clone()) {
        Some(Event::Final(end)) => (end.run.expect("it is there"), end.answer),
        other => panic!("not the end: {other:?}"),
    }
}

#[tokio::test]
async fn a_watch_shows_each_step_from_the_state_at_its_beginning_to_the_end() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut watch = api.watch(run.id, 0).await;
    let mut events = vec![watch.event().await];
    let talker = Talker::shared();
    let _worker = harness.worker(talker, 1);

    for piece in ["one, ", "two, ", "three"] {
        talker.say(piece);
        events.extend(watch.until(piece).await);
    }
    talker.finish();
    events.extend(watch.rest().await);

    let expected = ["state", "attempt", "sql_generated", "rows", "text_delta", "final"];
    assert_eq!(kinds(&events), expected);
    assert!(matches!(&events[0].event, Some(Event::State(it)) if it.state() == RunState::Queued));
    assert!(matches!(&events[1].event, Some(Event::Attempt(it)) if it.number == 1));
    assert!(
        matches!(&events[2].event, Some(Event::SqlGenerated(it)) if it.sql_query == Talker::SQL)
    );
    let Some(Event::Rows(rows)) = &events[3].event else { panic!("{events:?}") };
    assert_eq!((rows.columns.len(), rows.rows.len(), rows.row_count), (1, 1, 1));
    assert_eq!(text(&events), "one, two, three");
    assert!(3 <= events.iter().filter(|it| kind(it) == "text_delta").count());
    let ids = ids(&events);
    assert_eq!((ids[0], ids[1]), (0, (1 << 32) + 1));
    assert!(ids[1..].windows(2).all(|two| two[1] == two[0] + 1), "{ids:?}");
    assert!(events.iter().all(|it| it.time.is_some()));
    let (run, answer) = end(&events);
    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 1));
    assert_eq!((run.clone(), answer), api.end(run.id).await);
    assert_eq!(events.last().unwrap().time, run.ended_at);
}

#[tokio::test]
async fn a_watch_after_the_end_shows_the_same_as_one_before_the_beginning() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut live = api.watch(run.id, 0).await;
    live.event().await;
    let talker = Talker::shared();
    let _worker = harness.worker(talker, 1);
    talker.say("an answer");
    talker.finish();

    let live = live.rest().await;
    let later = api.watch(run.id, 0).await.rest().await;

    assert_eq!(numbered(&later), live);
    assert_eq!(kinds(&later)[0], "state");
    assert!(matches!(&later[0].event, Some(Event::State(it)) if it.state() == RunState::Succeeded));
    let answer = end(&later).1.expect("it has one");
    assert_eq!(
        (answer.content.as_str(), answer.finish_reason()),
        ("an answer", FinishReason::Stop)
    );
}

#[tokio::test]
async fn a_watch_goes_on_after_whichever_event_is_named() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["a", "b", "c", "d"]).await;
    attempt.stored(attempt.last_event_id()).await;
    attempt.end("abcd").await;
    let whole = numbered(&api.watch(run.id, 0).await.rest().await);
    assert_eq!(whole.len(), 6);

    for (index, event) in whole.iter().enumerate() {
        let rest = api.watch(run.id, event.event_id).await.rest().await;
        // Whoever comes back after the last one is told again that it was.
        let expected = &whole[(index + 1).min(whole.len() - 1)..];
        assert_eq!(rest, expected, "after {}", event.event_id);
    }
    for beyond in [whole[5].event_id + 1, i64::MAX] {
        assert_eq!(api.watch(run.id, beyond).await.rest().await, whole[5..]);
    }
    // Of an attempt that never was.
    assert_eq!(api.watch(run.id, 5).await.rest().await, whole);
}

#[tokio::test]
async fn who_comes_late_sees_what_has_been_and_misses_nothing_of_what_comes() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let uninterrupted = api.watch(run.id, 0).await;
    let mut attempt = harness.attempt(run.id).await;

    let (writing, watching) = (
        async {
            for n in 0..300 {
                attempt.say_all([format!("{n} ")]).await;
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            attempt.end("said").await;
        },
        async {
            let mut watches = Vec::new();
            for _ in 0..30 {
                watches.push(api.watch(run.id, 0).await);
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            watches
        },
    );
    let uninterrupted = tokio::spawn(uninterrupted.rest());
    let ((), late) = futures::join!(writing, watching);

    let uninterrupted = numbered(&uninterrupted.await.unwrap());
    assert_eq!(uninterrupted.len(), 302);
    for late in late {
        assert_eq!(numbered(&late.rest().await), uninterrupted);
    }
}

#[tokio::test]
async fn what_has_been_is_seen_before_anything_else_happens() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["one ", "two"]).await;
    attempt.stored(attempt.last_event_id()).await;

    let events = api.watch(run.id, 0).await.until("two").await;

    assert_eq!(kinds(&events), ["state", "attempt", "text_delta"]);
    assert!(matches!(&events[0].event, Some(Event::State(it)) if it.state() == RunState::Running));
}
