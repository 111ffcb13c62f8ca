//! Servers before 2.11 know nothing of batches: they send one message for each
//! request.

use async_nats::jetstream::{self, stream};
use futures::StreamExt as _;
use run_queue::events::event_id;

use super::{Queue, delta, ids, read};
use crate::harness::eventually;

/// Keeps the events under another name, and answers for the stream that should
/// have them as an old server does.
async fn stand_in_for_an_old_server(queue: &Queue) {
    let name = queue.stream("OLD");
    let config = stream::Config {
        name: name.clone(),
        subjects: vec![format!("{}.runs.events.*", queue.prefix)],
        allow_direct: true,
        ..Default::default()
    };
    jetstream::new(queue.client.clone()).create_stream(config).await.expect("it is a new one");

    let asked = format!("$JS.API.DIRECT.GET.{}", queue.stream("RUN_EVENTS"));
    let mut requests = queue.client.subscribe(asked).await.expect("the client is open");
    let client = queue.client.clone();
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            let fields = serde_json::from_slice(&request.payload);
            let mut fields: serde_json::Map<_, _> = fields.expect("a request is an object");
            fields.retain(|name, _| name == "seq" || name == "next_by_subj");
            let subject = format!("$JS.API.DIRECT.GET.{name}");
            let reply = request.reply.expect("a request wants a reply");
            let payload = serde_json::Value::Object(fields).to_string().into();
            let passed_on = client.publish_with_reply(subject, reply, payload).await;
            passed_on.expect("the client is open");
        }
    });
}

#[tokio::test]
async fn a_server_that_knows_no_batches_is_read_event_by_event() {
    let servers = dev::test_servers().await.expect("the test servers run");
    let queue = Queue::without_streams(&servers.nats_url).await;
    stand_in_for_an_old_server(&queue).await;
    let mut log = queue.log(7, 1);
    for n in 1..=5 {
        log.write(delta(n));
    }
    let reader = queue.reader();

    let batches = eventually("all events being read", async || {
        let batches = read(&reader, 7, event_id(1, 2)).await;
        (batches.concat().len() == 3).then_some(batches)
    })
    .await;

    let ids: Vec<Vec<i64>> = batches.iter().map(|batch| ids(batch)).collect();
    assert_eq!(ids, [[event_id(1, 3)], [event_id(1, 4)], [event_id(1, 5)]]);
}
