//! What an idle stream costs: watches of runs that no worker is there for.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use proto::v1::{
    CancelRunRequest, RunState, StartRunRequest, WatchRunRequest, WatchRunResponse,
    run_event::Event, run_service_client::RunServiceClient,
};
use tokio::time::{sleep, timeout};
use tonic::Streaming;

use crate::{
    clients::{Clients, Connection},
    cpu,
    data::Data,
    measured::Spread,
    nats,
    pair::Server,
    report::{Report, Row},
    setup::Setup,
    start::MEBIBYTE,
};

/// As many calls may wait at the service at once.
pub(crate) const MOST: i64 = 100_000;
/// More streams than this are spread over more connections.
const OF_A_CONNECTION: usize = 1000;
const AT_ONCE: usize = 16;
/// What opening them takes for a while is given back by then.
const SETTLING: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(120);
const NAME: &str = "stream_kib";
const KIB: f64 = 40.0;

/// A run, and who may watch it.
#[derive(Clone, Copy, Debug)]
struct Watched {
    user_id: i64,
    run_id: i64,
}

pub(crate) fn unmeasured() -> Vec<Row> {
    vec![Row::unmeasured(NAME, Some(KIB))]
}

/// Opens so many streams, each of a run of its own, looks at the service's memory, and has
/// all of them end with their runs.
pub(crate) async fn measure(
    setup: &Setup,
    data: &Data,
    count: u32,
    report: &mut Report,
) -> anyhow::Result<()> {
    eprintln!("opening {count} streams ...");
    // Without a worker no run goes on, and none ends.
    let server = Server::start(setup, None).await?;
    let users = data.users.iter().map(|user| user.id);
    let clients = Clients::connect(&server.grpc, &setup.jwt_secret, users).await?;
    let runs = start_runs(&clients, data, count as usize).await?;
    sleep(SETTLING).await;
    let before = cpu::resident(server.pid())?;
    let mut streams = open(&server.grpc, &clients, &runs).await?;
    sleep(SETTLING).await;
    let after = cpu::resident(server.pid())?;
    let ended = tokio::join!(cancel(&clients, &runs), all_end(&mut streams));
    ended.0?;
    ended.1?;
    server.stop().await?;
    // Nobody has taken them, and the next worker would.
    nats::clear_queue(setup).await?;
    let kib = kib_each(before, after, runs.len());
    let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / MEBIBYTE);
    let told = format!("{} before {count} streams, {} with them", mib(before), mib(after));
    report.say("session-service", told);
    report.rows.push(Row::new(NAME, Some(Spread::of([kib])), Some(KIB)));
    Ok(())
}

fn kib_each(before: u64, after: u64, streams: usize) -> f64 {
    after.saturating_sub(before) as f64 / 1024.0 / streams as f64
}

/// Each in a conversation of its own, so that none waits for another.
async fn start_runs(clients: &Clients, data: &Data, count: usize) -> anyhow::Result<Vec<Watched>> {
    let users = data.users.iter().cycle().take(count);
    let runs = users.map(async |user| {
        let message = StartRunRequest {
            agent_id: user.agent_id,
            question: "Will anybody answer?".to_owned(),
            ..Default::default()
        };
        let request = clients.request(user.id, message)?;
        let run = clients.runs().start_run(request).await?.into_inner().run;
        let run_id = run.context("no run in the response")?.id;
        anyhow::Ok(Watched { user_id: user.id, run_id })
    });
    stream::iter(runs).buffer_unordered(AT_ONCE).try_collect().await
}

/// Opens a stream to each run, and reads what comes first.
async fn open(
    grpc: &str,
    clients: &Clients,
    runs: &[Watched],
) -> anyhow::Result<Vec<Streaming<WatchRunResponse>>> {
    let mut streams = Vec::new();
    for runs in runs.chunks(OF_A_CONNECTION) {
        let client = RunServiceClient::new(Connection::open(grpc).await?);
        let opened = runs.iter().map(|run| open_one(client.clone(), clients, *run));
        let opened = stream::iter(opened).buffer_unordered(AT_ONCE);
        streams.extend(opened.try_collect::<Vec<_>>().await?);
    }
    Ok(streams)
}

async fn open_one(
    mut client: RunServiceClient<Connection>,
    clients: &Clients,
    run: Watched,
) -> anyhow::Result<Streaming<WatchRunResponse>> {
    let message = WatchRunRequest { run_id: run.run_id, after_event_id: 0 };
    let request = clients.request(run.user_id, message)?;
    let mut stream = client.watch_run(request).await?.into_inner();
    let first = timeout(PATIENCE, stream.message()).await.context("no first event in time")??;
    let first = first.and_then(|it| it.event).and_then(|it| it.event);
    let is_queued =
        matches!(&first, Some(Event::State(state)) if state.state() == RunState::Queued);
    ensure!(is_queued, "the first event is {first:?}");
    Ok(stream)
}

async fn cancel(clients: &Clients, runs: &[Watched]) -> anyhow::Result<()> {
    let cancels = runs.iter().map(async |run| {
        let message = CancelRunRequest { run_id: run.run_id, ..Default::default() };
        clients.runs().cancel_run(clients.request(run.user_id, message)?).await?;
        anyhow::Ok(())
    });
    stream::iter(cancels).buffer_unordered(AT_ONCE).try_collect().await
}

/// They were there all the time: each tells how its run has ended.
async fn all_end(streams: &mut [Streaming<WatchRunResponse>]) -> anyhow::Result<()> {
    for stream in streams {
        let last = timeout(PATIENCE, last_event(stream)).await.context("no end in time")??;
        ensure!(matches!(last, Some(Event::Final(_))), "the last event is {last:?}");
    }
    Ok(())
}

async fn last_event(stream: &mut Streaming<WatchRunResponse>) -> anyhow::Result<Option<Event>> {
    let mut last = None;
    while let Some(response) = stream.message().await? {
        last = response.event.and_then(|it| it.event);
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair;

    #[test]
    fn the_service_holds_as_many_as_may_be_asked_for() {
        let limit = |name| pair::LIFTED.iter().find(|it| it.0 == name).unwrap().1;

        assert_eq!(limit("MAX_WAITING_REQUESTS"), MOST.to_string());
        assert!(OF_A_CONNECTION <= limit("MAX_CONCURRENT_STREAMS").parse().unwrap());
    }

    #[test]
    fn memory_that_was_given_back_costs_nothing() {
        assert_eq!(kib_each(2_048_000, 4_096_000, 100), 20.0);
        assert_eq!(kib_each(4_096_000, 2_048_000, 100), 0.0);
    }
}
