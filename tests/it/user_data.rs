//! DeleteUserData: all that a user has, and nothing else.

mod interrupted;
mod meanwhile;
mod receipts;
mod several;
mod traces;

use proto::v1 as pb;
use tonic::{Response, Status};

use crate::harness::{Api, Expect as _, Harness, eventually, random_uuid};

async fn try_delete(
    api: &Api,
    request_id: &str,
) -> Result<Response<pb::DeleteUserDataResponse>, Status> {
    let request = pb::DeleteUserDataRequest { request_id: request_id.to_owned() };
    api.user_data.clone().delete_user_data(request).await
}

async fn delete(api: &Api, request_id: &str) -> pb::UserDataDeletion {
    let response = try_delete(api, request_id).await.ok_response();
    response.deletion.expect("it is accepted")
}

/// Runs have ended long enough ago that nobody follows them any more.
async fn nobody_follows(harness: &Harness) {
    harness
        .execute(
            "UPDATE chat_sessions SET updated_at = 'epoch' WHERE purge_at = 'epoch';
            UPDATE runs SET ended_at = ended_at - interval '10 seconds'
            WHERE ended_at > now() - interval '10 seconds' AND EXISTS (
                SELECT FROM chat_sessions s
                WHERE s.id = chat_session_id AND s.purge_at = 'epoch'
            )",
        )
        .await;
}

/// Waits until a deletion is complete.
async fn completed(harness: &Harness, api: &Api, request_id: &str) -> pb::UserDataDeletion {
    eventually("the deletion being complete", async || {
        nobody_follows(harness).await;
        Some(delete(api, request_id).await).filter(|it| it.completed_at.is_some())
    })
    .await
}

/// Deletes all that a user has, to the end.
pub(crate) async fn delete_all(harness: &Harness, api: &Api) -> pb::UserDataDeletion {
    completed(harness, api, &random_uuid()).await
}
