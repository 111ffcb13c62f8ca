//! Streams are as they were made, whoever has a service's login.

use async_nats::{
    Client,
    jetstream::{self, stream::Config},
};
use futures::{StreamExt as _, TryStreamExt as _};
use run_queue::{Names, Service, Streams};
use serde_json::{Value, json};

use super::nats::{PREFIX, Thief};
use crate::run_queue::{in_time, own_server::OwnServer};

const STREAMS: [&str; 3] = ["t_RUNS", "t_RUN_DEAD_LETTERS", "t_RUN_EVENTS"];

/// As the server is after the start of session-service.
async fn started() -> (OwnServer, Client) {
    let names = Names::with_prefix(PREFIX);
    let server = OwnServer::for_services(&names).await;
    let url = server.url_of("session-service");
    let service = run_queue::connect_as(Service::SessionService, &url, &names).await;
    let service = service.expect("NATS answers");
    service.flush().await.expect("NATS answers");
    let streams = Streams::new(service, names);
    streams.make().await.expect("session-service may make them");
    streams.usage().await.expect("and see how full they are");
    let operator = run_queue::connect(&server.url(), "operator").await.expect("NATS answers");
    operator.flush().await.expect("NATS answers");
    (server, operator)
}

/// The streams that there are, and how many messages each has.
async fn streams(operator: &Client) -> Vec<(Config, u64)> {
    let jetstream = jetstream::new(operator.clone());
    let mut infos: Vec<_> = jetstream.streams().try_collect().await.expect("NATS answers");
    infos.sort_by(|one, two| one.config.name.cmp(&two.config.name));
    infos.into_iter().map(|it| (it.config, it.state.messages)).collect()
}

/// What a thief would make of a stream.
fn misused(name: &str, source: &str) -> [Value; 4] {
    let republish = json!({ "src": ">", "dest": "_INBOX.t.run-worker.>" });
    [
        json!({ "name": name, "sources": [{ "name": source }] }),
        json!({ "name": name, "sources": [{ "name": source }], "republish": republish }),
        json!({ "name": name, "subjects": [">"], "republish": republish }),
        json!({ "name": name, "mirror": { "name": source } }),
    ]
}

#[tokio::test]
async fn no_login_makes_a_stream_another_one_while_it_is_there() {
    let (server, operator) = started().await;
    let before = streams(&operator).await;
    let thief = Thief::of(Service::SessionService, &server).await;

    for (name, source) in STREAMS.into_iter().zip(STREAMS.into_iter().cycle().skip(1)) {
        for config in misused(name, source) {
            let subject = format!("$JS.API.STREAM.CREATE.{name}");
            let answer = thief.client.request(subject, config.to_string().into());
            let answer = in_time(answer).await.expect("it may ask");
            let answer: Value = serde_json::from_slice(&answer.payload).expect("it is JSON");
            assert!(answer["error"]["code"].is_number(), "{config}: {answer}");
        }
    }

    assert_eq!(streams(&operator).await, before);
    assert_eq!(before.len(), STREAMS.len());
}

/// What a thief would have the server send to itself: an empty message deletes and purges.
const COMMANDS: [(&str, &str); 4] = [
    ("$JS.API.STREAM.CREATE.stolen", r#"{"name": "stolen", "subjects": ["stolen.>"]}"#),
    ("$JS.API.STREAM.PURGE.t_RUN_EVENTS", ""),
    ("$JS.API.STREAM.DELETE.t_RUNS", ""),
    ("$JS.API.STREAM.DELETE.t_RUN_EVENTS", ""),
];

#[tokio::test]
async fn what_a_session_service_reads_is_sent_to_nobody_else_as_a_reply() {
    let (server, operator) = started().await;
    let thief = Thief::of(Service::SessionService, &server).await.client;
    let get = "$JS.API.DIRECT.GET.t_RUN_EVENTS";
    for (n, (_, payload)) in (1..).zip(COMMANDS) {
        let stored = thief.request(format!("t.runs.events.{n}"), payload.into());
        in_time(stored).await.expect("it may write to the log");
    }
    let before = streams(&operator).await;

    for (n, (command, _)) in (1..).zip(COMMANDS) {
        let request = json!({ "last_by_subj": format!("t.runs.events.{n}") }).to_string();
        thief.publish_with_reply(get, command, request.clone().into()).await.unwrap();
        let own = in_time(thief.request(get, request.into())).await;
        own.expect("by then it was sent to the other one too");
    }

    assert_eq!(streams(&operator).await, before);
}

#[tokio::test]
async fn what_a_worker_fetches_is_sent_to_nobody_else_as_a_reply() {
    let (server, operator) = started().await;
    let thief = Thief::of(Service::RunWorker, &server).await.client;
    let service = Thief::of(Service::SessionService, &server).await.client;
    let mut heard = service.subscribe("_INBOX.t.session-service.>").await.unwrap();
    let config = json!({ "durable_name": "run-worker", "ack_policy": "explicit" });
    let create = json!({ "stream_name": "t_RUNS", "config": config }).to_string();
    let subject = "$JS.API.CONSUMER.CREATE.t_RUNS.run-worker";
    in_time(thief.request(subject, create.into())).await.expect("it may make its consumer");
    let before = streams(&operator).await;

    // With nothing in the queue, the answer is an empty message.
    let next = "$JS.API.CONSUMER.MSG.NEXT.t_RUNS.run-worker";
    let replies = COMMANDS.map(|(command, _)| command);
    for reply in replies.into_iter().chain(["_INBOX.t.session-service.forged"]) {
        let request = r#"{"batch": 1, "no_wait": true}"#;
        thief.publish_with_reply(next, reply, request.into()).await.unwrap();
        in_time(thief.request(next, request.into())).await.expect("that one is answered too");
    }

    assert_eq!(streams(&operator).await, before);
    let own = in_time(service.request("$JS.API.STREAM.INFO.t_RUNS", "".into())).await;
    let first = in_time(heard.next()).await.expect("the client is open");
    assert_eq!(first.payload, own.expect("it may ask").payload, "{}", first.subject);
}
