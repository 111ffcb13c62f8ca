//! How much is asked of a server: at a time, when it fails, and when nobody waits.

use super::*;
use crate::harness::{Ending, ModelServer, Reply, delta};

fn says() -> Reply {
    Reply::says(&["SELECT 1"])
}

fn hangs() -> Reply {
    Reply::Chunks(vec![delta("There").into_bytes()], Ending::Hang)
}

fn with_breaker() -> Pacing {
    let breaker = BreakerPacing { failures: 3, ..pacing().breaker };
    Pacing { breaker, tries: 1, ..pacing() }
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_left_alone_until_it_is_well() {
    let server = ModelServer::start([Reply::fails(500)]).await;
    let provider = chat(&models(&server, json!({}), with_breaker()));
    for _ in 0..3 {
        is_unreachable(plan(&*provider).await);
    }

    assert!(is_busy(plan(&*provider).await) <= Duration::from_secs(1));
    is_busy(answer(&*provider).await.1);
    assert_eq!(server.seen().len(), 3);

    tokio::time::sleep(Duration::from_millis(250)).await;
    is_unreachable(plan(&*provider).await);
    is_busy(plan(&*provider).await);
    assert_eq!(server.seen().len(), 4);

    server.go_on([says()]);
    tokio::time::sleep(Duration::from_millis(450)).await;
    for _ in 0..3 {
        plan(&*provider).await.unwrap();
    }
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn the_models_of_a_provider_share_its_breaker() {
    let server = ModelServer::start([Reply::fails(503)]).await;
    let models = models(&server, json!({}), with_breaker());
    for _ in 0..3 {
        is_overloaded(plan(&*chat(&models)).await);
    }
    is_busy(embedder(&models).provider.embed(&["x".to_owned()]).await);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn what_the_server_rejects_or_says_badly_does_not_count_as_a_failure_of_it() {
    let server = ModelServer::start([Reply::fails(400)]).await;
    let provider = chat(&models(&server, json!({}), with_breaker()));
    for _ in 0..4 {
        is_rejected(plan(&*provider).await, "HTTP 400");
    }
    server.go_on([Reply::says(&["{}"])]);
    for _ in 0..4 {
        is_unusable(plan(&*provider).await, "no plan");
    }
    assert_eq!(server.seen().len(), 8);
}

#[tokio::test]
async fn streams_that_are_cut_open_the_breaker_too() {
    let cut = Reply::Chunks(vec![delta("There").into_bytes()], Ending::Cut);
    let server = ModelServer::start([cut]).await;
    let provider = chat(&models(&server, json!({}), with_breaker()));
    for _ in 0..3 {
        is_unreachable(answer(&*provider).await.1);
    }
    is_busy(answer(&*provider).await.1);
}

#[tokio::test]
async fn no_more_calls_are_made_at_a_time_than_configured() {
    let server = ModelServer::start([hangs()]).await;
    let fields = json!({"max_concurrent_calls": 2, "timeout_seconds": 0.5});
    let provider = chat(&models(&server, fields, Pacing { tries: 1, ..pacing() }));
    let calls: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn({
                let provider = provider.clone();
                async move { plan(&*provider).await }
            })
        })
        .collect();
    server.has_open(2).await;

    // It waits for as long as the others do, and they began before.
    let third = tokio::time::timeout(Duration::from_millis(300), plan(&*provider)).await;
    assert!(third.is_err() && server.seen().len() == 2);
    for call in calls {
        is_unreachable(call.await.unwrap());
    }

    server.go_on([says()]);
    plan(&*provider).await.unwrap();
}

#[tokio::test]
async fn a_call_that_waits_too_long_for_its_turn_is_one_too_many() {
    let keeps_on = Reply::Chunks(vec![b": still here\n".to_vec()], Ending::Repeat);
    let server =
        ModelServer::start([Reply::Chunks(vec![delta("x").into_bytes()], Ending::Hang), keeps_on])
            .await;
    let models =
        models(&server, json!({"max_concurrent_calls": 1, "timeout_seconds": 0.3}), pacing());
    let provider = chat(&models);
    let (schema, rows) = (schema(), one_row());
    let prompt = prompt("How many?", &schema);
    let mut pieces = provider.answer(&prompt, "SELECT 1", &rows);
    pieces.next().await.unwrap().unwrap();

    is_overloaded(plan(&*provider).await);

    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_is_not_read_on() {
    let server = ModelServer::start([hangs()]).await;
    let provider = patient(&server);
    let (schema, rows) = (schema(), one_row());
    let prompt = prompt("How many?", &schema);
    let mut pieces = provider.answer(&prompt, "SELECT 1", &rows);
    pieces.next().await.unwrap().unwrap();
    server.has_open(1).await;

    drop(pieces);

    server.has_open(0).await;
}

#[tokio::test]
async fn a_plan_that_nobody_waits_for_ends_its_request() {
    for reply in [hangs(), Reply::Silence] {
        let server = ModelServer::start([reply]).await;
        let provider = patient(&server);
        let planning = tokio::spawn(async move { plan(&*provider).await });
        server.has_open(1).await;

        planning.abort();

        server.has_open(0).await;
    }
}
