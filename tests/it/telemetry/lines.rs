use serde_json::Value;
use tonic::Code;

use proto::v1 as pb;

use super::{CALLER, PATIENTLY, ask, traceparent, with};
use crate::harness::{Expect as _, Pair};

const ENDED: &str = "call ended";

fn text<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_else(|| panic!("{line} has no {name}"))
}

#[tokio::test]
async fn lines_of_calls_and_attempts_say_whose_they_are_whatever_is_logged_and_sent() {
    // Without a collector. Levels are of lines alone; spans with ids are there at any.
    let pair = Pair::with(&[("RUST_LOG", "warn,session_service=debug,run_worker=info")]).await;
    let (service, worker, api) = (pair.service().await, pair.worker(), pair.api(7));
    let session = api.session(api.penguins_agent().await, "").await.id;
    let parent = traceparent(CALLER);
    let headers = [("traceparent", &*parent), ("x-request-id", "my-1")];

    let asked = ask(&api, session, "SELECT 1", &headers, PATIENTLY).await.ok_response();
    let run_id = asked.run.unwrap().id.to_string();
    let missing = with(pb::GetSessionRequest { session_id: 1 << 40 }, &headers[1..]);
    let mut sessions = api.sessions.clone();
    sessions.get_session(missing).await.refused(Code::NotFound, "SESSION_NOT_FOUND");
    let (_, service) = service.stop().await;
    let (_, worker) = worker.stop().await;

    let calls = service.having("message", ENDED);
    for line in &calls {
        assert_eq!((text(line, "trace_id").len(), text(line, "user_id")), (32, "7"));
        assert!(!text(line, "request_id").is_empty() && line["elapsed_ms"].is_number());
    }
    let [started, refused] = &service.having("request_id", "my-1")[..] else { panic!("{calls:?}") };
    assert_eq!(text(started, "trace_id"), CALLER[0]);
    let told =
        |line| [text(line, "level"), text(line, "method"), text(line, "code")].map(str::to_owned);
    assert_eq!(told(started), ["DEBUG", "tertulia.v1.RunService/StartRun", "OK"]);
    assert_eq!(told(refused), ["INFO", "tertulia.v1.SessionService/GetSession", "NOT_FOUND"]);

    let ended = worker.having("message", "run ended");
    let [ended] = &ended[..] else { panic!("{worker:?}") };
    assert_eq!((text(ended, "run_id"), text(ended, "trace_id")), (&*run_id, CALLER[0]));
    assert_eq!((&ended["attempt"], &ended["fence"]), (&1.into(), &1.into()));
    assert_eq!(text(ended, "session_id"), session.to_string());
}
