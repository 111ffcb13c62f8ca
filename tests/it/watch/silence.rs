use std::time::{Duration, Instant};

use super::{kind, queued};
use crate::harness::Harness;

#[tokio::test]
async fn while_nothing_happens_there_is_a_sign_of_life() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut watch = api.watch(run.id, 0).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["well"]).await;
    watch.until("well").await;
    let heard_at = Instant::now();

    let alive = watch.event().await;

    assert_eq!((kind(&alive), alive.event_id), ("heartbeat", 0));
    let silence = heard_at.elapsed();
    assert!((Duration::from_secs(14)..Duration::from_secs(18)).contains(&silence), "{silence:?}");
    attempt.end("well").await;
    assert_eq!(kind(&watch.event().await), "final");
}
