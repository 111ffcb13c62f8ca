//! Questions and messages that nobody survives: they are put aside, and the others
//! go on.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use model::{Error, Plan};
use prost::Message as _;
use proto::v1::{RunState, RunWakeUp};

use super::{assert_failed, session};
use crate::harness::{Acting, Harness, eventually};

/// Asserts that the one thing that was put aside is this run.
pub(super) async fn assert_put_aside(harness: &Harness, run_id: i64) {
    let letters = harness.dead_letters().await;
    let letters: Vec<_> = letters.iter().map(|it| (it.run_id, it.reason.as_str())).collect();
    assert_eq!(letters, [(run_id, "ATTEMPTS_EXHAUSTED")]);
}

/// Puts a message into the queue, if the queue is there.
async fn publish(harness: &Harness, payload: Vec<u8>) {
    let subject = format!("{}.runs.wake-up", harness.names_prefix);
    harness.nats.publish(subject, payload.into()).await.expect("the client is open");
}

#[tokio::test]
async fn a_question_that_panics_is_given_up_after_three_attempts_and_harms_no_other() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let (_, other) = session(&harness).await;
    let panicking = Acting(|question: String| {
        async move {
            assert_ne!(question, "deadly", "as it is meant to");
            Ok(Plan::Reply("fine".to_owned()))
        }
        .boxed()
    });
    let _worker = harness.worker(panicking, 1);

    let deadly = api.start(session_id, "deadly").await;
    let next = api.start(session_id, "harmless").await;
    for _ in 0..5 {
        assert_eq!(api.ask(other, "harmless").await.1.content, "fine");
    }
    let (deadly, answer) = api.wait(deadly.id).await;

    assert_failed(&deadly, &answer, "ATTEMPTS_EXHAUSTED", 3);
    assert!(!answer.content.contains("meant"), "{answer:?}");
    assert_eq!(api.wait(next.id).await.1.content, "fine");
    assert_put_aside(&harness, deadly.id).await;
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn a_panic_costs_one_attempt() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let has_panicked = Mutex::new(false);
    let panicking = Acting(move |_| {
        let had_panicked = std::mem::replace(&mut *has_panicked.lock().unwrap(), true);
        async move {
            assert!(had_panicked, "as it is meant to");
            Ok(Plan::Reply("at last".to_owned()))
        }
        .boxed()
    });
    let _worker = harness.worker(panicking, 1);

    let (run, answer) = api.ask(session_id, "well?").await;

    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 2));
    assert_eq!(answer.content, "at last");
    assert!(harness.dead_letters().await.is_empty());
}

#[tokio::test]
async fn a_message_that_is_not_ours_is_put_aside_as_it_was_and_the_queue_goes_on() {
    let (harness, _worker) = Harness::start().await;
    let (api, session_id) = session(&harness).await;
    // The stream is there then.
    api.ask(session_id, "SELECT 1").await;
    let payloads = [b"\xff not protobuf".to_vec(), b"\xff neither".to_vec()];

    for payload in &payloads {
        publish(&harness, payload.clone()).await;
    }
    let (_, answer) = api.ask(session_id, "SELECT 2").await;

    assert_eq!(answer.content, "2");
    let letters = eventually("both being put aside", async || {
        let letters = harness.dead_letters().await;
        (letters.len() == 2).then_some(letters)
    })
    .await;
    for payload in &payloads {
        assert!(letters.iter().any(|it| it.payload == *payload), "{letters:?}");
    }
    assert!(letters.iter().all(|it| it.reason == "MALFORMED_MESSAGE"), "{letters:?}");
}

#[tokio::test]
async fn a_run_that_backs_off_is_left_alone_however_often_it_is_woken() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let attempts: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let overloaded = Acting({
        let attempts = attempts.clone();
        move |_| {
            attempts.lock().unwrap().push(Instant::now());
            async { Err(Error::Overloaded) }.boxed()
        }
    });
    let _worker = harness.worker(overloaded, 4);
    let run = api.start(session_id, "well?").await;

    let waking = async {
        loop {
            publish(&harness, RunWakeUp { run_id: run.id }.encode_to_vec()).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (run, answer) = tokio::select! {
        ended = api.wait(run.id) => ended,
        () = waking => unreachable!(),
    };

    assert_failed(&run, &answer, "MODEL_UNAVAILABLE", 3);
    let attempts = attempts.lock().unwrap().clone();
    let [first, second, third] = attempts.as_slice() else { panic!("{attempts:?}") };
    // Half of what doubles from two seconds on.
    assert!(Duration::from_secs(1) <= *second - *first, "{attempts:?}");
    assert!(Duration::from_secs(2) <= *third - *second, "{attempts:?}");
}
