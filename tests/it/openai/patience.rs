//! Servers that keep a call alive without ever ending it.

use std::time::Instant;

use super::*;
use crate::harness::{Ending, ModelServer, Reply, delta, event};

const CALL: Duration = Duration::from_millis(600);
/// Far less than a server takes that is waited for as long as it gives signs of life.
const SOON: Duration = Duration::from_secs(4);

fn short() -> Pacing {
    Pacing { call: CALL, ..pacing() }
}

fn pings() -> Reply {
    Reply::Chunks(vec![b": still here\n\n".to_vec()], Ending::Drip)
}

/// A whole text, and then no end of it.
fn unended(ending: Ending) -> Reply {
    let stop = event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    let last = b": still here\n\n".to_vec();
    Reply::Chunks(vec![delta("SELECT 1").into_bytes(), stop.into_bytes(), last], ending)
}

#[tokio::test]
async fn a_server_that_only_pings_is_given_up_in_the_end() {
    let server = ModelServer::start([pings()]).await;
    let models = models(&server, json!({}), short());
    let provider = chat(&models);
    let started = Instant::now();

    is_unreachable(plan(&*provider).await);
    is_unreachable(answer(&*provider).await.1);
    is_unreachable(summarize(&*provider).await);
    is_unreachable(embedder(&models).provider.embed(&["x".to_owned()]).await);

    assert!(started.elapsed() >= 4 * CALL && started.elapsed() < SOON);
    server.has_open(0).await;
}

#[tokio::test]
async fn all_the_tries_of_a_call_share_its_time() {
    let server = ModelServer::start([Reply::fails(500)]).await;
    let backoff = Duration::from_secs(3_600);
    let provider = chat(&models(&server, json!({}), Pacing { backoff, ..short() }));
    let planned = tokio::time::timeout(SOON, plan(&*provider)).await;
    is_unreachable(planned.expect("a pause that outlasts the call is not begun"));
}

#[tokio::test]
async fn an_answer_that_drips_without_end_is_ended() {
    let drips = Reply::Chunks(vec![delta("x").into_bytes()], Ending::Drip);
    let server = ModelServer::start([drips]).await;
    let provider = chat(&models(&server, json!({}), short()));

    let said = tokio::time::timeout(SOON, answer(&*provider)).await;

    let (texts, end) = said.expect("it is given up");
    assert!(!texts.is_empty());
    is_unreachable(end);
}

#[tokio::test]
async fn a_model_that_has_said_it_all_is_not_waited_for_until_it_hangs_up() {
    for ending in [Ending::Hang, Ending::Drip] {
        let server = ModelServer::start([unended(ending)]).await;
        let provider = patient(&server);
        let started = Instant::now();

        assert_eq!(plan(&*provider).await.unwrap().plan, query("SELECT 1"));
        let (texts, end) = answer(&*provider).await;

        assert_eq!(texts, ["SELECT 1"]);
        end.unwrap();
        assert!(started.elapsed() < SOON);
        assert_eq!(server.seen().len(), 2);
    }
}

fn sensitive() -> Pacing {
    let breaker = BreakerPacing { failures: 2, ..pacing().breaker };
    Pacing { breaker, tries: 1, ..pacing() }
}

#[tokio::test]
async fn callers_that_get_no_answer_within_their_patience_open_the_breaker() {
    let server = ModelServer::start([Reply::Silence]).await;
    let embedder = embedder(&models(&server, json!({}), sensitive()));
    let patience = Duration::from_millis(300);
    let texts = ["x".to_owned()];
    for _ in 0..2 {
        is_unreachable(embedder.embed(&texts, patience).await);
    }

    is_busy(embedder.embed(&texts, patience).await);

    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_probe_is_good_with_its_first_text() {
    let server = ModelServer::start([Reply::fails(500)]).await;
    let provider = chat(&models(&server, json!({}), sensitive()));
    for _ in 0..2 {
        is_unreachable(plan(&*provider).await);
    }
    let pause = is_busy(plan(&*provider).await);
    server.go_on([
        Reply::Chunks(vec![delta("There").into_bytes()], Ending::Hang),
        Reply::says(&["SELECT 1"]),
    ]);
    tokio::time::sleep(pause + Duration::from_millis(20)).await;
    let (schema, rows) = (schema(), one_row());
    let prompt = prompt("How many?", &schema);

    let mut probe = provider.answer(&prompt, "SELECT 1", &rows);
    probe.next().await.unwrap().unwrap();

    plan(&*provider).await.unwrap();
}
