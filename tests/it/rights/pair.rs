//! The pair does all that it is for with these rights, and uses each of them.

use async_nats::{Client, jetstream};
use futures::TryStreamExt as _;
use proto::v1::{self as pb, RunState, SearchMode};
use run_queue::{DeadLetter, Publisher, Rights, Service};

use super::least::Least;
use crate::{
    harness::{Api, Expect as _, LONG_QUESTION, eventually},
    user_data::delete_all,
};

const QUESTION: &str = "SELECT species, count(*) FROM penguins GROUP BY 1";

/// Asks what must be answered, and watches it.
async fn converse(api: &Api, session_id: i64) {
    let (run, _) = api.ask(session_id, QUESTION).await;
    assert_eq!(run.state(), RunState::Succeeded, "{run:?}");
    let events = api.watch(run.id, 0).await.rest().await;
    assert!(1 < events.len(), "{events:?}");
}

async fn cancel_one_of_two(least: &Least, api: &Api, session_id: i64) {
    let running = api.start(session_id, LONG_QUESTION).await;
    let queued = api.start(session_id, QUESTION).await;
    least.harness.statements_are(1).await;
    api.cancel(running.id).await;
    assert_eq!(api.wait(running.id).await.0.state(), RunState::Cancelled);
    assert_eq!(api.wait(queued.id).await.0.state(), RunState::Succeeded);
}

/// A letter by each service.
async fn put_aside(least: &Least, order: [Service; 2]) {
    let operator = least.operator().await;
    for (letters, service) in (1..).zip(order) {
        match service {
            Service::SessionService => {
                let publisher = Publisher::new(least.harness.nats.clone(), least.names.clone());
                let letter = DeadLetter::Exhausted { run_id: 7, fence: 4 };
                publisher.dead_letter(letter).await.expect("it may");
            }
            Service::RunWorker => {
                let subject = format!("{}.runs.wake-up", least.harness.names_prefix);
                operator.publish(subject, "not ours".into()).await.expect("the client is open");
            }
        }
        holds(&operator, least.stream("RUN_DEAD_LETTERS"), letters).await;
    }
}

/// Waits until there is a stream, with so many messages.
async fn holds(operator: &Client, name: String, messages: u64) {
    eventually("a stream being as it should", async || {
        let stream = jetstream::new(operator.clone()).get_stream(&name).await.ok()?;
        (stream.cached_info().state.messages == messages).then_some(())
    })
    .await;
}

/// Takes all streams away, and waits until they are back.
async fn lose_streams(least: &Least) {
    let operator = least.operator().await;
    let jetstream = jetstream::new(operator.clone());
    let names: Vec<_> = jetstream.stream_names().try_collect().await.expect("NATS answers");
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        jetstream.delete_stream(name).await.expect("an operator may");
    }
    holds(&operator, least.stream("RUNS"), 0).await;
    holds(&operator, least.stream("RUN_DEAD_LETTERS"), 0).await;
    least.harness.log_is_there().await;
}

/// All that is done beside runs, and found afterwards.
async fn search(least: &Least, api: &Api) {
    eventually("the end of all background work", async || {
        let left = least.harness.number("SELECT count(*) FROM background_tasks").await;
        (left == 0).then_some(())
    })
    .await;
    for mode in [SearchMode::Semantic, SearchMode::Text] {
        let query = "species".to_owned();
        let request = pb::SearchMessagesRequest { query, mode: mode.into(), ..Default::default() };
        let found = api.sessions.clone().search_messages(request).await.ok_response();
        assert!(!found.hits.is_empty(), "{mode:?}");
    }
}

/// All that the services are for.
async fn exercise(least: &Least) {
    let api = least.harness.api(1);
    let agent_id = api.penguins_agent().await;
    let session_id = api.session(agent_id, "").await.id;
    let first = api.start(session_id, QUESTION).await;
    let left = api.start(session_id, QUESTION).await;
    api.cancel(left.id).await;
    let _worker = least.worker().await;
    assert_eq!(api.wait(first.id).await.0.state(), RunState::Succeeded);

    cancel_one_of_two(least, &api, session_id).await;
    put_aside(least, [Service::SessionService, Service::RunWorker]).await;
    lose_streams(least).await;
    converse(&api, session_id).await;
    put_aside(least, [Service::RunWorker, Service::SessionService]).await;

    search(least, &api).await;
    least.probe(Service::RunWorker).await;
    least.harness.assert_sound(session_id).await;
    api.delete_session(session_id).await;
    delete_agent_and_data(&api, agent_id).await;
    let receipt = delete_all(&least.harness, &api).await;
    assert!(receipt.deleted.is_some_and(|it| 0 < it.runs), "{receipt:?}");
}

async fn delete_agent_and_data(api: &Api, agent_id: i64) {
    let agent = api.agents.clone().get_agent(pb::GetAgentRequest { agent_id }).await;
    let data_source_id = agent.ok_response().agent.expect("it is there").data_source_id;
    let request = pb::DeleteAgentRequest { agent_id, ..Default::default() };
    api.agents.clone().delete_agent(request).await.ok_response();
    let request = pb::DeleteDataSourceRequest { data_source_id, ..Default::default() };
    api.sources.clone().delete_data_source(request).await.ok_response();
}

#[tokio::test]
async fn the_pair_does_its_work_with_these_rights_and_uses_each_of_them() {
    let least = Least::start().await;

    exercise(&least).await;

    let log = least.server.log();
    // Not of logins: a client of another test may come to a port that was its server's.
    let violation = log.lines().find(|it| it.contains("Permissions Violation"));
    assert_eq!(violation, None);
    for service in [Service::SessionService, Service::RunWorker] {
        let used = Used::by(service, &log);
        let rights = Rights::of(service, &least.names);
        used.assert_includes("PUB ", &rights.publish);
        used.assert_includes("SUB ", &rights.subscribe());
    }
}

/// What a service has sent, a line each.
struct Used<'a> {
    service: Service,
    lines: Vec<&'a str>,
}

impl<'a> Used<'a> {
    fn by(service: Service, log: &'a str) -> Self {
        let client = format!(":{}\" - <<- [", service.name());
        Self { service, lines: log.lines().filter(|line| line.contains(&client)).collect() }
    }

    #[track_caller]
    fn assert_includes(&self, verb: &str, rights: &[impl AsRef<str>]) {
        for right in rights {
            let right = right.as_ref();
            let beginning = match right.trim_end_matches(['*', '>']) {
                whole if whole == right => format!("{verb}{right} "),
                beginning => format!("{verb}{beginning}"),
            };
            let is_used = self.lines.iter().any(|line| line.contains(&beginning));
            assert!(is_used, "{} has no need of {verb}{right}", self.service.name());
        }
    }
}
