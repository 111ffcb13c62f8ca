//! RunService.

mod convert;
mod export;
mod result;

use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use proto::v1::{self as pb, run_service_server::RunService};
use storage::{
    results::{self, Range},
    runs::{self, Answered},
};
use tonic::{Request, Response, Status};

use self::export::Pieces;
use super::sessions::to_message;
use crate::{Error, Limits, Runs, auth::Caller};

#[derive(Debug)]
pub(crate) struct RunGrpc {
    runs: Runs,
    limits: Limits,
}

impl RunGrpc {
    pub(crate) fn new(runs: Runs, limits: Limits) -> Self {
        Self { runs, limits }
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
        let asked = convert::start_run(request.into_inner(), &self.limits)?;

        let started = self.runs.start(user_id, asked.request, asked.start).await?;
        let Answered { run, answer } = self.runs.wait_if_possible(started, asked.wait).await;
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

        let Answered { run, answer } = self.runs.wait(user_id, id, timeout).await?;
        let (run, answer) = (Some(convert::to_run(run)), answer.map(to_message));
        Ok(Response::new(pb::WaitRunResponse { run, answer }))
    }

    type WatchRunStream = BoxStream<'static, Result<pb::WatchRunResponse, Status>>;

    #[tracing::instrument(name = "grpc.watch_run", skip_all)]
    async fn watch_run(
        &self,
        request: Request<pb::WatchRunRequest>,
    ) -> Result<Response<Self::WatchRunStream>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (id, after) = convert::watch_run(request.get_ref())?;

        let watched = self.runs.watch(user_id, id, after).await?;
        let watched = watched.map_ok(convert::to_watched).map_err(Status::from);
        Ok(Response::new(watched.boxed()))
    }

    #[tracing::instrument(name = "grpc.cancel_run", skip_all)]
    async fn cancel_run(
        &self,
        request: Request<pb::CancelRunRequest>,
    ) -> Result<Response<pb::CancelRunResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (repeatable, id, reason) = convert::cancel_run(request.into_inner())?;

        let run = self.runs.cancel(user_id, repeatable, id, reason).await?;
        let run = Some(convert::to_run(run));
        Ok(Response::new(pb::CancelRunResponse { run }))
    }

    #[tracing::instrument(name = "grpc.get_run_result", skip_all)]
    async fn get_run_result(
        &self,
        request: Request<pb::GetRunResultRequest>,
    ) -> Result<Response<pb::GetRunResultResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let get = result::get_run_result(request.get_ref())?;

        let page = results::page(&self.runs.db, user_id, get.run_id, get.range());
        let page = page.await.map_err(Error::from)?;
        Ok(Response::new(result::to_get_run_result(&get, page)))
    }

    type ExportRunResultStream = BoxStream<'static, Result<pb::ExportRunResultResponse, Status>>;

    #[tracing::instrument(name = "grpc.export_run_result", skip_all)]
    async fn export_run_result(
        &self,
        request: Request<pb::ExportRunResultRequest>,
    ) -> Result<Response<Self::ExportRunResultStream>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (id, format) = export::export_run_result(request.get_ref())?;

        let result = results::page(&self.runs.db, user_id, id, Range::ALL);
        let pieces = Pieces::new(format, result.await.map_err(Error::from)?);
        Ok(Response::new(stream::iter(pieces.map(Ok)).boxed()))
    }
}
