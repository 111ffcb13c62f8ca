//! UserDataService.

use std::mem;

use proto::v1::{self as pb, user_data_service_server::UserDataService};
use storage::{
    idempotency,
    user_data::{self, Deletion},
};
use tonic::{Request, Response, Status};

use super::{fields::Fields, time::to_timestamp};
use crate::{Error, Runs, auth::Caller};

#[derive(Debug)]
pub(crate) struct UserDataGrpc {
    runs: Runs,
}

impl UserDataGrpc {
    pub(crate) fn new(runs: Runs) -> Self {
        Self { runs }
    }
}

#[tonic::async_trait]
impl UserDataService for UserDataGrpc {
    #[tracing::instrument(name = "grpc.delete_user_data", skip_all)]
    async fn delete_user_data(
        &self,
        request: Request<pb::DeleteUserDataRequest>,
    ) -> Result<Response<pb::DeleteUserDataResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let repeatable = read(request.into_inner())?;

        let deletion = self.runs.delete_user_data(user_id, repeatable).await?;
        let deletion = Some(to_deletion(&deletion));
        Ok(Response::new(pb::DeleteUserDataResponse { deletion }))
    }
}

fn read(mut request: pb::DeleteUserDataRequest) -> Result<Option<idempotency::Request>, Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request(user_data::METHOD, &request, &request_id);
    fields.check()?;
    Ok(repeatable)
}

fn to_deletion(deletion: &Deletion) -> pb::UserDataDeletion {
    pb::UserDataDeletion {
        id: deletion.id,
        requested_at: Some(to_timestamp(deletion.requested_at)),
        completed_at: deletion.completed_at.map(to_timestamp),
        deleted: Some(pb::DeletedUserData {
            sessions: deletion.sessions,
            messages: deletion.messages,
            embeddings: deletion.embeddings,
            runs: deletion.runs,
            results: deletion.results,
            agents: deletion.agents,
            data_sources: deletion.data_sources,
            request_ids: deletion.request_ids,
        }),
    }
}
