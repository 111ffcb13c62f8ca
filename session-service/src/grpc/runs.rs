//! RunService.

mod convert;

use proto::v1::{self as pb, run_service_server::RunService};
use storage::runs;
use tonic::{Request, Response, Status};

use super::sessions::to_message;
use crate::{Error, Runs, auth::Caller};

#[derive(Debug)]
pub(crate) struct RunGrpc {
    runs: Runs,
}

impl RunGrpc {
    pub(crate) fn new(runs: Runs) -> Self {
        Self { runs }
    }
}

#[tonic::async_trait]
impl RunService for RunGrpc {
    #[tracing::instrument(name = "grpc.start_run", skip_all)]
    async fn start_run(
        &self,
        request: Request<pb::StartRunRequest>,
    ) -> Result<Response<pb::StartRunResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (conversation, question, wait) = convert::start_run(request.into_inner())?;

        let run = self.runs.start(user_id, conversation, question).await?;
        let (run, answer) = self.runs.wait_if_possible(user_id, run, wait).await;
        let (run, answer) = (Some(convert::to_run(run)), answer.map(to_message));
        Ok(Response::new(pb::StartRunResponse { run, answer }))
    }

    #[tracing::instrument(name = "grpc.get_run", skip_all)]
    async fn get_run(
        &self,
        request: Request<pb::GetRunRequest>,
    ) -> Result<Response<pb::GetRunResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let id = convert::get_run(request.get_ref())?;

        let run = runs::get(&self.runs.db, user_id, id).await.map_err(Error::from)?;
        let run = Some(convert::to_run(run));
        Ok(Response::new(pb::GetRunResponse { run }))
    }

    #[tracing::instrument(name = "grpc.list_runs", skip_all)]
    async fn list_runs(
        &self,
        request: Request<pb::ListRunsRequest>,
    ) -> Result<Response<pb::ListRunsResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let list = convert::list_runs(request.get_ref())?;

        let page =
            runs::list(&self.runs.db, user_id, list.filter, list.before, list.per_page.into());
        let page = page.await.map_err(Error::from)?;
        Ok(Response::new(convert::to_list_runs(&list, page)))
    }

    #[tracing::instrument(name = "grpc.wait_run", skip_all)]
    async fn wait_run(
        &self,
        request: Request<pb::WaitRunRequest>,
    ) -> Result<Response<pb::WaitRunResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (id, timeout) = convert::wait_run(request.get_ref())?;

        let (run, answer) = self.runs.wait(user_id, id, timeout).await?;
        let (run, answer) = (Some(convert::to_run(run)), answer.map(to_message));
        Ok(Response::new(pb::WaitRunResponse { run, answer }))
    }
}
