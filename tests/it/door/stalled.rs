//! Requests that are begun and not sent on, and answers that are not taken.

use std::time::Duration;

use bytes::Bytes;
use dev::wire::{Answer, framed};
use proto::v1::{self as pb, import_table_request::Part};
use session_service::connections::{Limits, Patience};
use tokio::time;
use tonic::Code;

use super::{Caller, assert_ok, assert_refused, looked_at};
use crate::harness::{Harness, Service, door, settings};

const PATIENCE: Duration = Duration::from_secs(1);

/// A service that waits for a second only.
async fn impatient(harness: &Harness) -> Service {
    let patience = Patience { request: PATIENCE, answer: PATIENCE };
    let connections = Limits { patience, ..settings().connections };
    harness
        .service_behind(door(), session_service::server::Settings { connections, ..settings() })
        .await
}

/// Sends pieces of a request's body and not its end.
async fn ask_in_part(caller: &Caller, method: &str, pieces: &[Bytes]) -> Answer {
    let request = caller.request(method).body(()).expect("a request");
    let (response, mut sender) = caller.wire.begin(request).await.expect("it can be begun");
    for piece in pieces {
        sender.send_data(piece.clone(), false).expect("it can be sent");
    }
    looked_at(Answer::take(response).await.expect("there is an answer"))
}

fn table(dataset: i64) -> Bytes {
    let table = pb::ImportedTable {
        data_source_id: dataset,
        table_name: "t".to_owned(),
        ..Default::default()
    };
    framed(&pb::ImportTableRequest { part: Some(Part::Table(table)) })
}

fn data(text: &'static str) -> Bytes {
    framed(&pb::ImportTableRequest { part: Some(Part::Data(text.into())) })
}

#[tokio::test]
async fn a_request_that_is_not_sent_on_fails_as_such() {
    let harness = Harness::without_worker().await;
    let service = impatient(&harness).await;
    let caller = Caller::connect(&service, 1).await;
    let whole = framed(&pb::GetSessionRequest { session_id: 1 });

    for pieces in [vec![], vec![whole.slice(..3)], vec![whole.slice(..6)], vec![whole.clone()]] {
        let answer = ask_in_part(&caller, "SessionService/GetSession", &pieces).await;
        assert_refused(&answer, Code::DeadlineExceeded, "REQUEST_STALLED");
    }
}

#[tokio::test]
async fn a_request_that_trickles_in_is_not_waited_for_piece_by_piece() {
    let harness = Harness::without_worker().await;
    let service = impatient(&harness).await;
    let caller = Caller::connect(&service, 1).await;
    let whole = framed(&pb::ListSessionsRequest { search: "x".repeat(100), ..Default::default() });
    let request = caller.request("SessionService/ListSessions").body(()).unwrap();
    let (response, mut sender) = caller.wire.begin(request).await.unwrap();

    let trickle = async {
        for byte in whole {
            // It is refused meanwhile.
            let _ = sender.send_data(Bytes::from(vec![byte]), false);
            time::sleep(PATIENCE / 10).await;
        }
    };
    let answer = tokio::select! {
        () = trickle => panic!("it was waited for"),
        answer = Answer::take(response) => answer.expect("there is an answer"),
    };

    assert_refused(&answer, Code::DeadlineExceeded, "REQUEST_STALLED");
}

#[tokio::test]
async fn an_import_that_is_not_sent_on_fails_and_leaves_no_table() {
    let harness = Harness::without_worker().await;
    let service = impatient(&harness).await;
    let api = service.api(1);
    let dataset = api.dataset().await;
    let caller = Caller::connect(&service, 1).await;

    let pieces = [table(dataset), data("a,b\n1,2\n")];
    let answer = ask_in_part(&caller, "DataSourceService/ImportTable", &pieces).await;

    assert_refused(&answer, Code::DeadlineExceeded, "REQUEST_STALLED");
    api.import(dataset, "t", "a\n1\n").await.expect("there is no such table");
}

#[tokio::test]
async fn an_import_goes_on_for_as_long_as_its_pieces_come() {
    let harness = Harness::without_worker().await;
    let service = impatient(&harness).await;
    let dataset = service.api(1).dataset().await;
    let caller = Caller::connect(&service, 1).await;
    let request = caller.request("DataSourceService/ImportTable").body(()).unwrap();
    let (response, mut sender) = caller.wire.begin(request).await.unwrap();

    sender.send_data(table(dataset), false).unwrap();
    for piece in ["a,b\n", "1,2\n", "3,4\n", "5,6\n"] {
        time::sleep(PATIENCE / 2).await;
        sender.send_data(data(piece), false).unwrap();
    }
    sender.send_data(Bytes::new(), true).unwrap();
    let answer = Answer::take(response).await.unwrap();

    assert_ok(&answer);
    let imported = answer.message::<pb::ImportTableResponse>().expect("a response");
    assert_eq!(imported.row_count, 3);
}

#[tokio::test]
async fn an_import_whose_sender_leaves_is_not_taken_for_whole() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let dataset = api.dataset().await;

    for _ in 0..20 {
        let caller = Caller::connect(&harness.service, 1).await;
        let request = caller.request("DataSourceService/ImportTable").body(()).unwrap();
        let (response, mut sender) = caller.wire.begin(request).await.unwrap();
        sender.send_data(table(dataset), false).unwrap();
        sender.send_data(data("a,b\n1,2\n"), false).unwrap();
        time::sleep(Duration::from_millis(20)).await;
        sender.send_reset(h2::Reason::CANCEL);
        drop(response);
        // It is answered after the reset was seen.
        caller.ask("SessionService/ListSessions", &pb::ListSessionsRequest::default()).await;
    }

    api.import(dataset, "t", "a\n1\n").await.expect("there is no such table");
}
