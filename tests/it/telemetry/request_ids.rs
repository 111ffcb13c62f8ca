use tonic::{Code, metadata::MetadataMap};
use uuid::Uuid;

use proto::v1 as pb;

use super::with;
use crate::harness::{Expect as _, Harness};

fn id(metadata: &MetadataMap) -> &str {
    let mut values = metadata.get_all("x-request-id").iter();
    let value = values.next().expect("every answer has it").to_str().expect("it is ASCII");
    assert_eq!(values.next(), None);
    value
}

#[tokio::test]
async fn an_answer_has_the_id_that_its_caller_gave_the_call() {
    let harness = Harness::without_worker().await;
    let mut sessions = harness.api(1).sessions;
    let headers = [("x-request-id", "my-1")];

    let listed = sessions.list_sessions(with(pb::ListSessionsRequest::default(), &headers)).await;
    let missing = with(pb::GetSessionRequest { session_id: 7 }, &headers);
    let missing = sessions.get_session(missing).await.refused(Code::NotFound, "SESSION_NOT_FOUND");
    let mut stranger = harness.api_with(None).sessions;
    let refused = stranger.list_sessions(with(pb::ListSessionsRequest::default(), &headers)).await;

    assert_eq!(id(listed.unwrap().metadata()), "my-1");
    assert_eq!(id(missing.metadata()), "my-1");
    assert_eq!(id(refused.unwrap_err().metadata()), "my-1");
}

#[tokio::test]
async fn an_answer_has_an_id_of_its_own_if_its_caller_gave_none_that_can_be_shown() {
    let harness = Harness::without_worker().await;
    let mut sessions = harness.api(1).sessions;
    let too_long = "a".repeat(129);

    for headers in [&[][..], &[("x-request-id", "a b")], &[("x-request-id", &*too_long)]] {
        let request = with(pb::ListSessionsRequest::default(), headers);
        let listed = sessions.list_sessions(request).await.unwrap();
        Uuid::try_parse(id(listed.metadata())).unwrap();
    }
}
