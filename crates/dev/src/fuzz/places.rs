//! Whether the service is again what it was: as many requests at once are let in as a user may
//! have, so that none of those before has kept a place.

use std::time::Duration;

use anyhow::ensure;
use futures::future::join_all;
use proto::v1 as pb;
use tokio::time::{self, Instant};
use tonic::Code;

use super::Target;
use crate::wire::{Answer, Wire, framed, request};

/// MAX_CONCURRENT_REQUESTS_PER_USER, by default; a connection may have as many.
const PLACES: usize = 1000;
/// How long the service has to recover.
const RECOVERY: Duration = Duration::from_secs(60);
/// By then all are let in, or not.
const PAUSE: Duration = Duration::from_secs(3);
/// By then as many may be begun again, of which there may be so many a second.
const REFILL: Duration = Duration::from_secs(6);

/// Waits until there is a place for each of them again, and ordinary requests are answered.
pub async fn recovered(target: &Target) -> anyhow::Result<()> {
    let until = Instant::now() + RECOVERY;
    loop {
        time::sleep(REFILL).await;
        let let_in = time::timeout(RECOVERY, let_in(target)).await??;
        let is_served = serves(target).await.unwrap_or(false);
        if let_in == PLACES && is_served {
            return Ok(());
        }
        ensure!(let_in == PLACES || Instant::now() < until, "{let_in} of {PLACES} places are left");
        ensure!(Instant::now() < until, "an ordinary request is not answered any more");
    }
}

/// How many of these are let in at once. They are refused only when they are whole, and need
/// no database.
async fn let_in(target: &Target) -> anyhow::Result<usize> {
    let wire = Wire::connect(target.address).await?;
    let mut begun = Vec::new();
    for _ in 0..PLACES {
        let ask = request("SessionService/GetSession", &target.token).body(())?;
        begun.push(wire.begin(ask).await?);
    }
    time::sleep(PAUSE).await;
    let ended = begun.into_iter().map(|(response, mut sender)| {
        // Those that are not let in have been answered.
        let _ = sender.send_data(framed(&pb::GetSessionRequest::default()), true);
        Answer::take(response)
    });
    let answers = join_all(ended).await;
    let is_in = |answer: &Answer| {
        answer.status().is_some_and(|status| status.code() == Code::InvalidArgument)
    };
    Ok(answers.into_iter().flatten().filter(is_in).count())
}

async fn serves(target: &Target) -> anyhow::Result<bool> {
    let wire = Wire::connect(target.address).await?;
    let ask = request("SessionService/ListSessions", &target.token).body(())?;
    let answer = wire.ask(ask, framed(&pb::ListSessionsRequest::default()));
    let answer = time::timeout(Duration::from_secs(5), answer).await??;
    Ok(answer.status().is_some_and(|status| status.code() == Code::Ok))
}
