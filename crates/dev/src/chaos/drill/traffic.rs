//! Callers that do not wait for each other: so many requests a second, whatever happens.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use proto::v1::{
    GetSessionRequest, ListMessagesRequest, ListSessionsRequest, StartRunRequest,
    session_service_client::SessionServiceClient,
};
use tokio::{
    task::JoinSet,
    time::{self, Instant, MissedTickBehavior},
};
use tonic::{Code, Status, transport::Endpoint};

use crate::{
    chaos::client::{self, Runs},
    demo::api::{Bearer, Client},
};

const BETWEEN: Duration = Duration::from_millis(5);
/// Each of so many requests begins a run; the others read.
const RUN_EVERY: usize = 10;
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(250);

/// A user's way to one service.
#[derive(Clone, Debug)]
pub(super) struct Way {
    sessions: SessionServiceClient<Client>,
    runs: Runs,
}

#[derive(Debug)]
pub(super) struct Caller {
    pub(super) ways: Arc<[Way]>,
    pub(super) session_id: i64,
}

/// What came of a request: its run, if it was to begin one.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) result: Result<Option<i64>, Status>,
    pub(super) took: Duration,
}

pub(super) fn ways(grpc: &[String], token: &str) -> anyhow::Result<Arc<[Way]>> {
    let bearer = Bearer::new(token)?;
    let ways = grpc.iter().zip(client::connect(grpc, token)?).map(|(address, runs)| {
        let channel = Endpoint::try_from(format!("http://{address}"))?
            .connect_timeout(Duration::from_secs(2))
            .connect_lazy();
        let sessions = SessionServiceClient::with_interceptor(channel, bearer.clone());
        anyhow::Ok(Way { sessions, runs })
    });
    ways.collect()
}

/// Calls until `over`, and returns all answers.
pub(super) async fn call(callers: &[Caller], over: &AtomicBool) -> Vec<Answer> {
    let mut ticks = time::interval(BETWEEN);
    // What was held up is made up for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = JoinSet::new();
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        ticks.tick().await;
        let Caller { ways, session_id } = &callers[number % callers.len()];
        calls.spawn(one(number, Arc::clone(ways), *session_id));
        number += 1;
    }
    calls.join_all().await
}

async fn one(number: usize, ways: Arc<[Way]>, session_id: i64) -> Answer {
    let began = Instant::now();
    // The same for every attempt.
    let request_id = uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string();
    let call = |way: Way| request(number, way, session_id, request_id.clone());
    loop {
        let result = client::insist(&ways, number, PATIENCE, call).await.result;
        match &result {
            // A machine that has too much to do says when to come again.
            Err(status)
                if status.code() == Code::ResourceExhausted && began.elapsed() < PATIENCE =>
            {
                time::sleep(PAUSE).await;
            }
            _ => return Answer { result, took: began.elapsed() },
        }
    }
}

async fn request(
    number: usize,
    Way { mut sessions, mut runs }: Way,
    session_id: i64,
    request_id: String,
) -> Result<Option<i64>, Status> {
    match number % RUN_EVERY {
        0 => {
            let question = "SELECT count(*) FROM penguins".to_owned();
            let request =
                StartRunRequest { session_id, question, request_id, ..Default::default() };
            let run = runs.start_run(request).await?.into_inner().run;
            return Ok(run.map(|run| run.id));
        }
        1..4 => drop(sessions.get_session(GetSessionRequest { session_id }).await?),
        4..8 => {
            let request = ListMessagesRequest { session_id, ..Default::default() };
            drop(sessions.list_messages(request).await?);
        }
        _ => drop(sessions.list_sessions(ListSessionsRequest::default()).await?),
    }
    Ok(None)
}
