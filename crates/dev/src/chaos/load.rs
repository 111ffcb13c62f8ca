//! The load: users with sessions, and callers that ask, wait, watch and cancel.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proto::v1::{AgentLimits, CancelRunRequest, Concurrency, Run, StartRunRequest, WaitRunRequest};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tonic::{Code, Response, Status};

use super::{
    ask::{self, Ask, Probe},
    client::{self, Called, Runs},
    facts::{Asked, Facts, Watched},
    pace::Pace,
    watchers,
};
use crate::{
    demo::{PENGUINS, api::Api},
    token,
};

const USERS: i64 = 6;
const SESSIONS: usize = 6;
/// How many runs are in flight at most.
const CALLERS: usize = 32;
const CALL_PATIENCE: Duration = Duration::from_secs(5);
/// How long a caller waits for a run before it turns to the next.
const WAIT: Duration = Duration::from_secs(8);
/// The load has statements that take long, and how long is up to the machine: as much time and cost
/// as an agent can be allowed.
const LIMITS: AgentLimits =
    AgentLimits { max_rows: 0, statement_timeout_ms: 300_000, max_cost: 1e15 };

#[derive(Debug)]
struct User {
    agent_id: i64,
    sessions: Vec<i64>,
    services: Arc<[Runs]>,
}

#[derive(Debug)]
pub(super) struct Load {
    seed: u64,
    users: Vec<User>,
    pub(super) facts: Facts,
    probes: AtomicU64,
    watches: Mutex<JoinSet<Watched>>,
    /// True when watches have to come to their end.
    over: watch::Sender<bool>,
}

impl Load {
    /// Makes users with a data set, an agent and sessions each.
    pub(super) async fn prepare(
        seed: u64,
        grpc: &[String],
        jwt_secret: &str,
    ) -> anyhow::Result<Arc<Self>> {
        let mut users = Vec::new();
        for id in 1..=USERS {
            let token = token::for_user(jwt_secret, id)?;
            let mut api = Api::connect(&grpc[0], &token).await?;
            let data_source_id = api.create_data_set("Chaos").await?;
            api.import(data_source_id, "penguins", PENGUINS).await?;
            let agent_id = api.create_agent("Chaos", data_source_id, Some(LIMITS)).await?;
            let mut sessions = Vec::new();
            for number in 0..SESSIONS {
                sessions.push(api.create_session(agent_id, &format!("Chaos {number}")).await?);
            }
            let services = client::connect(grpc, &token)?.into();
            users.push(User { agent_id, sessions, services });
        }
        let (facts, probes) = (Facts::default(), AtomicU64::new(0));
        let (watches, over) = (Mutex::default(), watch::channel(false).0);
        Ok(Arc::new(Self { seed, users, facts, probes, watches, over }))
    }

    /// Asks everything that `pace` releases.
    pub(super) async fn run(self: &Arc<Self>, pace: &Arc<Pace>) {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (load, pace) = (Arc::clone(self), Arc::clone(pace));
            callers.spawn(async move {
                while let Some(number) = pace.take().await {
                    load.ask_and_follow(Ask::of_load(load.seed, number)).await;
                }
            });
        }
        callers.join_all().await;
    }

    /// Asks a question for a fault; its run's id, if it was acknowledged.
    pub(super) async fn probe(&self, probe: Probe, service: usize) -> Option<i64> {
        let number = self.probes.fetch_add(1, Ordering::Relaxed);
        let ask = Ask::of_fault(self.seed, number, probe, service);
        let asked = self.ask(&ask).await;
        let run_id = asked.run_ids.first().copied();
        self.facts.asked().push(asked);
        if let Some(run_id) = run_id {
            self.watch(&ask, run_id);
        }
        run_id
    }

    /// Waits for the watches of runs that have ended; what still goes on then is cut short.
    pub(super) async fn end_watches(&self, patience: Duration) {
        let mut watches =
            std::mem::take(&mut *self.watches.lock().unwrap_or_else(PoisonError::into_inner));
        let mut join = async || {
            while let Some(watched) = watches.join_next().await {
                self.facts.watched().extend(watched.ok());
            }
        };
        if timeout(patience, join()).await.is_err() {
            self.over.send_replace(true);
            join().await;
        }
    }

    async fn ask_and_follow(&self, ask: Ask) {
        let mut asked = self.ask(&ask).await;
        if let Some(&run_id) = asked.run_ids.first() {
            if ask.is_watched {
                self.watch(&ask, run_id);
            }
            if let Some(delay) = ask.cancel_after {
                sleep(delay).await;
                asked.cancelled_as = self.cancel(&ask, run_id).await;
            }
            self.facts.asked().push(asked);
            self.wait(&ask, run_id).await;
        } else {
            self.facts.asked().push(asked);
        }
    }

    fn user(&self, ask: &Ask) -> &User {
        &self.users[ask.user % self.users.len()]
    }

    async fn ask(&self, ask: &Ask) -> Asked {
        let user = self.user(ask);
        let request = ask.request(user.agent_id, &user.sessions);
        let calls = if ask.is_doubled {
            let (one, two) = tokio::join!(
                start(&user.services, ask.service, &request),
                start(&user.services, ask.service.wrapping_add(1), &request)
            );
            vec![one, two]
        } else {
            vec![start(&user.services, ask.service, &request).await]
        };
        asked(ask, calls)
    }

    fn watch(&self, ask: &Ask, run_id: i64) {
        let services = Arc::clone(&self.user(ask).services);
        let random = ask::random(self.seed, !ask.number);
        let watch = watchers::watch(services, run_id, random, self.over.subscribe());
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).spawn(watch);
    }

    async fn cancel(&self, ask: &Ask, run_id: i64) -> Option<String> {
        let request_id = ask.cancel_id.to_string();
        let reason = "the harness has had enough".to_owned();
        let request = CancelRunRequest { run_id, reason, request_id };
        let cancel = |mut service: Runs| {
            let request = request.clone();
            async move {
                let response = service.cancel_run(request).await?.into_inner();
                response.run.ok_or_else(no_run)
            }
        };
        let services = &self.user(ask).services;
        match client::insist(services, ask.service, CALL_PATIENCE, cancel).await.result {
            Ok(run) => Some(watchers::name(run.state())),
            Err(status) => {
                let oddity = format!("run {run_id} was not cancelled: {}", status.message());
                self.facts.oddities().push(oddity);
                None
            }
        }
    }

    async fn wait(&self, ask: &Ask, run_id: i64) {
        let request = WaitRunRequest { run_id, timeout: WAIT.try_into().ok() };
        let wait = |mut service: Runs| async move {
            service.wait_run(request).await.map(Response::into_inner)
        };
        let services = &self.user(ask).services;
        let waited = client::insist(services, ask.service, WAIT + CALL_PATIENCE, wait).await;
        if let Err(status) = waited.result {
            let oddity = format!("run {run_id} was not waited for: {}", status.message());
            self.facts.oddities().push(oddity);
        }
    }
}

async fn start(services: &[Runs], first: usize, request: &StartRunRequest) -> Called<Run> {
    let call = |mut service: Runs| {
        let request = request.clone();
        async move {
            let response = service.start_run(request).await?.into_inner();
            response.run.ok_or_else(no_run)
        }
    };
    client::insist(services, first, CALL_PATIENCE, call).await
}

fn no_run() -> Status {
    Status::data_loss("no run in the response")
}

/// Whether the same request may have been refused before it was acknowledged: for another run, or
/// a queue that was full.
fn is_of_another(ask: &Ask, refusal: &Status, run_ids: &[i64]) -> bool {
    match ask.concurrency {
        Concurrency::Reject => client::busy_with(refusal).is_some_and(|id| !run_ids.contains(&id)),
        Concurrency::Enqueue => refusal.code() == Code::ResourceExhausted,
        _ => false,
    }
}

fn asked(ask: &Ask, calls: Vec<Called<Run>>) -> Asked {
    let attempts = calls.iter().map(|call| call.attempts).sum();
    let run_ids: Vec<i64> =
        calls.iter().filter_map(|call| call.result.as_ref().ok()).map(|run| run.id).collect();
    let refusals = calls
        .iter()
        .filter_map(|call| call.result.as_ref().err())
        .filter(|status| run_ids.is_empty() || !is_of_another(ask, status, &run_ids));
    let (outcome, reason) = match refusals.max_by_key(|status| !client::may_pass(status)) {
        None => ("acknowledged", String::new()),
        Some(status) if client::may_pass(status) => ("unknown", String::new()),
        Some(status) if run_ids.is_empty() => ("refused", format!("{:?}", status.code())),
        Some(status) => ("contradicted", format!("{:?} {}", status.code(), status.message())),
    };
    Asked {
        number: i64::try_from(ask.number).unwrap_or(i64::MAX),
        question: ask.question.clone(),
        is_answerable: ask.is_answerable,
        has_deadline: ask.deadline.is_some(),
        concurrency: ask.concurrency.as_str_name(),
        outcome,
        reason,
        run_ids,
        attempts,
        cancelled_as: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(results: [Result<i64, Status>; 2], outcome: &str) {
        let ask = Ask::of_fault(1, 1, Probe::Light, 0);
        let call = |result: Result<i64, Status>| Called {
            result: result.map(|id| Run { id, ..Default::default() }),
            attempts: 1,
        };
        assert_eq!(asked(&ask, results.map(call).into()).outcome, outcome);
    }

    #[test]
    fn what_is_acknowledged_once_must_not_be_refused_beside() {
        check([Ok(1), Ok(1)], "acknowledged");
        check([Ok(1), Err(Status::internal("a fault of ours"))], "contradicted");
        check([Err(Status::already_exists("reused")), Ok(1)], "contradicted");
        check([Err(Status::resource_exhausted("the queue was full")), Ok(1)], "acknowledged");
        check([Ok(1), Err(Status::unavailable("no answer"))], "unknown");
        check([Err(Status::unavailable("no answer")), Err(Status::internal("a fault"))], "refused");
    }
}
