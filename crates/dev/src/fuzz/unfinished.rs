//! Requests that are begun, and kept open. The service has to lose its patience.

use std::time::Duration;

use futures::future::join_all;
use rand::rngs::StdRng;
use tokio::time::{self, Instant};

use super::{
    Target,
    api::Api,
    calls::Call,
    exchange,
    report::{Notes, Seen},
    verdict,
};
use crate::wire::{Answer, Wire};

/// How many are open at once.
const AT_ONCE: usize = 50;
/// How long they may stay open: the service waits 30 s for more of a message, and for some
/// of them it has waited already when the last piece comes.
const PATIENCE: Duration = Duration::from_secs(75);

/// Keeps requests open, again and again, until it is time to stop.
pub(super) async fn keep_open(
    target: &Target,
    api: &Api,
    random: &mut StdRng,
    notes: &Notes,
    until: Instant,
) {
    while Instant::now() < until {
        let wire = match exchange::connect(target).await {
            Ok(wire) => wire,
            Err(outcome) => return notes.add(outcome),
        };
        let calls: Vec<Call<'_>> =
            (0..AT_ONCE).filter_map(|_| Call::any(target, api, random)).collect();
        let kept = calls.into_iter().map(|call| keep(&wire, api, call, until));
        join_all(kept).await.into_iter().for_each(|outcome| notes.add(outcome));
    }
}

async fn keep(wire: &Wire, api: &Api, call: Call<'_>, until: Instant) -> Result<Seen, String> {
    let begun = time::timeout(PATIENCE, wire.begin(call.request)).await;
    let Ok(Ok((response, mut sender))) = begun else {
        return Ok(Seen::other("the connection had ended"));
    };
    let _ = sender.send_data(call.body, false);
    let given_up = Instant::now() + PATIENCE;
    match time::timeout_at(given_up.min(until), Answer::take(response)).await {
        Err(_) if given_up <= until => {
            let path = call.method.map_or("", |it| &it.path);
            Err(format!("still open after {} s: {path}", PATIENCE.as_secs()))
        }
        Err(_) => Ok(Seen::other("kept open to the end")),
        Ok(Ok(answer)) => {
            verdict::judge(api, call.method, &answer).map(|seen| seen.of("kept open"))
        }
        Ok(Err(error)) => exchange::broken(&error),
    }
}
