//! Sending calls, alone or many at once on a connection, and judging what comes back.

use std::{io, time::Duration};

use futures::future::join_all;
use h2::Reason;
use rand::{Rng as _, rngs::StdRng};
use tokio::time::{self, Instant};

use super::{
    Target,
    api::Api,
    calls::{Call, End},
    report::Seen,
    verdict,
};
use crate::wire::{Answer, Wire};

/// How long the answer to a whole request may take. What the service waits for has bounds of its
/// own, below this.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long one is listened to that may take longer.
pub(super) const SOME: Duration = Duration::from_secs(2);
/// How many calls a connection has at once, at most.
const AT_ONCE: usize = 40;

/// How often a service says that a stream ends without an answer, and is right.
const RIGHT: [Reason; 2] = [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM];

/// Sends some calls at once on a connection, which is kept for the next ones.
pub(super) async fn some(
    target: &Target,
    api: &Api,
    random: &mut StdRng,
    kept: &mut Option<Wire>,
) -> Vec<Result<Seen, String>> {
    let count = if random.random_bool(0.5) { 1 } else { random.random_range(2..=AT_ONCE) };
    let calls: Vec<Call<'_>> = (0..count).filter_map(|_| Call::any(target, api, random)).collect();
    let wire = match kept.take() {
        Some(wire) => wire,
        None => match connect(target).await {
            Ok(wire) => wire,
            Err(outcome) => return vec![outcome],
        },
    };
    let outcomes = join_all(calls.into_iter().map(|call| send(&wire, api, call))).await;
    let goes_on = outcomes.iter().all(|(_, goes_on)| *goes_on);
    if goes_on && random.random_bool(0.9) {
        *kept = Some(wire);
    }
    outcomes.into_iter().map(|(outcome, _)| outcome).collect()
}

/// Connects; one who can't because there is no port left has learnt nothing.
pub(super) async fn connect(target: &Target) -> Result<Wire, Result<Seen, String>> {
    Wire::connect(target.address).await.map_err(|error| not_let_in(&error))
}

pub(super) fn not_let_in(error: &anyhow::Error) -> Result<Seen, String> {
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::AddrNotAvailable) => Ok(Seen::other("no port")),
        _ => Err(format!("not let in: {error}")),
    }
}

/// Sends a call. False beside it if the connection has ended.
async fn send(wire: &Wire, api: &Api, call: Call<'_>) -> (Result<Seen, String>, bool) {
    let begun = time::timeout(PATIENCE, wire.begin(call.request)).await;
    let Ok(Ok((response, mut sender))) = begun else {
        return (Ok(Seen::other("the connection had ended")), false);
    };
    // A server that has answered already takes no more; and one that gets a hundred empty pieces
    // on a connection hangs up on all of its calls.
    if 0 < call.middle {
        let _ = sender.send_data(call.body.slice(..call.middle), false);
    }
    if let End::Reset(reason) = call.end {
        sender.send_reset(reason);
        return (Ok(Seen::other("reset")), true);
    }
    let _ = sender.send_data(call.body.slice(call.middle..), call.end == End::Whole);
    let is_owed = call.end == End::Whole && !call.may_wait;
    let until = Instant::now() + if is_owed { PATIENCE } else { SOME };
    let outcome = match time::timeout_at(until, Answer::take(response)).await {
        Err(_) if is_owed => {
            Err(format!("not answered: {}", call.method.map_or("", |it| &it.path)))
        }
        Err(_) => Ok(Seen::other("left")),
        Ok(Ok(answer)) => verdict::judge(api, call.method, &answer),
        Ok(Err(error)) => return (broken(&error), false),
    };
    (outcome, true)
}

pub(super) fn broken(error: &h2::Error) -> Result<Seen, String> {
    match error.reason() {
        Some(reason) if RIGHT.contains(&reason) => Ok(Seen::other(&format!("ended by {reason:?}"))),
        _ => Err(format!("broken off: {error}")),
    }
}
