//! What else there is on NATS is refused to each service.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event};
use run_queue::{Names, Service};
use tokio::{sync::mpsc, time};

use crate::run_queue::own_server::OwnServer;

pub(super) const PREFIX: &str = "t";

/// A service's login in the hands of someone else, who is told what the server refuses.
pub(super) struct Thief {
    pub(super) client: Client,
    refusals: mpsc::UnboundedReceiver<String>,
}

impl Thief {
    pub(super) async fn of(service: Service, server: &OwnServer) -> Self {
        let (sender, refusals) = mpsc::unbounded_channel();
        let options =
            ConnectOptions::with_user_and_password(service.name().into(), "secret".into())
                .custom_inbox_prefix(format!("_INBOX.{PREFIX}.{}", service.name()))
                .event_callback(move |event| {
                    if let Event::ServerError(error) = event {
                        let _ = sender.send(error.to_string());
                    }
                    async {}
                });
        let client = options.connect(server.url()).await.expect("the login is right");
        Self { client, refusals }
    }

    async fn assert_may_not_publish(&mut self, subject: &str) {
        self.client.publish(subject.to_owned(), "{}".into()).await.expect("the client is open");
        self.assert_refused(&format!("Publish to \"{subject}\"")).await;
    }

    async fn assert_may_not_subscribe(&mut self, subject: &str) {
        let subscriber = self.client.subscribe(subject.to_owned()).await;
        self.assert_refused(&format!("Subscription to \"{subject}\"")).await;
        drop(subscriber);
    }

    async fn assert_refused(&mut self, what: &str) {
        self.client.flush().await.expect("the server answers");
        let refusal = time::timeout(Duration::from_secs(5), self.refusals.recv()).await;
        let refusal = refusal.unwrap_or_else(|_| panic!("{what} is not refused"));
        let refusal = refusal.expect("the client is open");
        assert!(refusal.contains(what), "{what}: {refusal}");
    }
}

/// What neither may do.
const OF_NONE: [&str; 17] = [
    "$JS.API.STREAM.DELETE.t_RUNS",
    "$JS.API.STREAM.DELETE.t_RUN_EVENTS",
    "$JS.API.STREAM.PURGE.t_RUNS",
    "$JS.API.STREAM.PURGE.t_RUN_DEAD_LETTERS",
    "$JS.API.STREAM.UPDATE.t_RUNS",
    "$JS.API.STREAM.MSG.GET.t_RUN_DEAD_LETTERS",
    "$JS.API.STREAM.MSG.DELETE.t_RUN_EVENTS",
    "$JS.API.STREAM.CREATE.others",
    "$JS.API.STREAM.UPDATE.t_RUN_EVENTS",
    "$JS.API.STREAM.UPDATE.t_RUN_DEAD_LETTERS",
    "$JS.API.STREAM.NAMES",
    "$JS.API.CONSUMER.DELETE.t_RUNS.run-worker",
    "$JS.API.CONSUMER.CREATE.t_RUN_EVENTS.reader",
    "$JS.API.INFO",
    "$SYS.REQ.SERVER.PING",
    "other.runs.wake-up",
    "runs.wake-up",
];

#[tokio::test]
async fn a_session_service_takes_no_wake_ups_and_breaks_no_stream() {
    let server = OwnServer::for_services(&Names::with_prefix(PREFIX)).await;
    let mut thief = Thief::of(Service::SessionService, &server).await;

    for subject in OF_NONE {
        thief.assert_may_not_publish(subject).await;
    }
    for subject in [
        "$JS.API.CONSUMER.CREATE.t_RUNS.run-worker",
        "$JS.API.CONSUMER.MSG.NEXT.t_RUNS.run-worker",
        "$JS.ACK.t_RUNS.run-worker.1.1.1.1.1",
        "$JS.API.DIRECT.GET.t_RUN_DEAD_LETTERS",
        "_INBOX.t.run-worker.reply",
    ] {
        thief.assert_may_not_publish(subject).await;
    }
    for subject in
        [">", "t.>", "t.runs.wake-up", "t.runs.dead-letter", "_INBOX.>", "_INBOX.t.run-worker.>"]
    {
        thief.assert_may_not_subscribe(subject).await;
    }
}

#[tokio::test]
async fn a_worker_cancels_nothing_reads_no_log_and_neither_makes_nor_breaks_a_stream() {
    let server = OwnServer::for_services(&Names::with_prefix(PREFIX)).await;
    let mut thief = Thief::of(Service::RunWorker, &server).await;

    for subject in OF_NONE {
        thief.assert_may_not_publish(subject).await;
    }
    for subject in [
        "t.runs.cancel-requested",
        "$JS.API.DIRECT.GET.t_RUN_EVENTS",
        "$JS.API.STREAM.PURGE.t_RUN_EVENTS",
        "$JS.API.STREAM.CREATE.t_RUNS",
        "$JS.API.STREAM.CREATE.t_RUN_EVENTS",
        "$JS.API.STREAM.CREATE.t_RUN_DEAD_LETTERS",
        "$JS.API.CONSUMER.CREATE.t_RUNS.another",
        "$JS.API.CONSUMER.CREATE.t_RUNS.run-worker.t.runs.wake-up",
        "$JS.ACK.t_RUNS.another.1.1.1.1.1",
        "_INBOX.t.session-service.reply",
    ] {
        thief.assert_may_not_publish(subject).await;
    }
    for subject in [
        ">",
        "t.>",
        "t.runs.wake-up",
        "t.runs.ended",
        "t.runs.events.*",
        "_INBOX.>",
        "_INBOX.t.session-service.>",
    ] {
        thief.assert_may_not_subscribe(subject).await;
    }
}

#[tokio::test]
async fn nobody_else_logs_in() {
    let server = OwnServer::for_services(&Names::with_prefix(PREFIX)).await;
    for (user, password) in [("session-service", "wrong"), ("", ""), ("run-workers", "secret")] {
        let options = ConnectOptions::with_user_and_password(user.into(), password.into());
        assert!(options.connect(server.url()).await.is_err(), "{user}");
    }
}
