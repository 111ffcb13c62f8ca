//! SessionService.

mod convert;
mod search;

use model::Embedder;
use proto::v1::{self as pb, session_service_server::SessionService};
use storage::{Database, messages, sessions};
use tonic::{Request, Response, Status};

use self::convert::{Start, UpdateSession};
use crate::{Error, Limits, Runs, auth::Caller};

pub(super) use convert::{pagination, to_message};

#[derive(Debug)]
pub(crate) struct SessionGrpc {
    db: Database,
    runs: Runs,
    limits: Limits,
    embedder: Embedder,
}

impl SessionGrpc {
    pub(crate) fn new(runs: Runs, limits: Limits, embedder: Embedder) -> Self {
        Self { db: runs.db.clone(), runs, limits, embedder }
    }
}

#[tonic::async_trait]
impl SessionService for SessionGrpc {
    #[tracing::instrument(name = "grpc.create_session", skip_all)]
    async fn create_session(
        &self,
        request: Request<pb::CreateSessionRequest>,
    ) -> Result<Response<pb::CreateSessionResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (repeatable, agent_id, title) =
            convert::create_session(request.into_inner(), self.limits.texts)?;

        let session = sessions::insert(&self.db, user_id, repeatable.as_ref(), agent_id, title);
        let session = Some(convert::to_session(session.await.map_err(Error::from)?));
        Ok(Response::new(pb::CreateSessionResponse { session }))
    }

    #[tracing::instrument(name = "grpc.get_session", skip_all)]
    async fn get_session(
        &self,
        request: Request<pb::GetSessionRequest>,
    ) -> Result<Response<pb::GetSessionResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let id = convert::session_id(request.get_ref().session_id)?;

        let session = sessions::get(&self.db, user_id, id).await.map_err(Error::from)?;
        let session = Some(convert::to_session(session));
        Ok(Response::new(pb::GetSessionResponse { session }))
    }

    #[tracing::instrument(name = "grpc.list_sessions", skip_all)]
    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let list = convert::list_sessions(request.into_inner(), &self.limits.pages)?;

        let limit = u64::from(list.per_page);
        let (page, total) = match list.start {
            Start::After(position) => {
                let page = sessions::list_after(&self.db, user_id, &list.filter, position, limit);
                (page.await.map_err(Error::from)?, None)
            }
            Start::Page(number) => {
                let offset = u64::from(number - 1) * limit;
                let page = sessions::list_from(&self.db, user_id, &list.filter, offset, limit);
                let (page, total) = page.await.map_err(Error::from)?;
                (page, Some(total))
            }
        };
        Ok(Response::new(convert::to_list_sessions(&list, page, total)))
    }

    #[tracing::instrument(name = "grpc.update_session", skip_all)]
    async fn update_session(
        &self,
        request: Request<pb::UpdateSessionRequest>,
    ) -> Result<Response<pb::UpdateSessionResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let UpdateSession { request, id, changes, etag } =
            convert::update_session(request.into_inner(), self.limits.texts)?;

        let session = sessions::update(&self.db, user_id, request.as_ref(), id, changes, etag);
        let session = Some(convert::to_session(session.await.map_err(Error::from)?));
        Ok(Response::new(pb::UpdateSessionResponse { session }))
    }

    #[tracing::instrument(name = "grpc.delete_session", skip_all)]
    async fn delete_session(
        &self,
        request: Request<pb::DeleteSessionRequest>,
    ) -> Result<Response<pb::DeleteSessionResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (repeatable, id) = convert::delete_session(request.into_inner())?;

        self.runs.delete_session(user_id, repeatable, id).await?;
        Ok(Response::new(pb::DeleteSessionResponse {}))
    }

    #[tracing::instrument(name = "grpc.undelete_session", skip_all)]
    async fn undelete_session(
        &self,
        request: Request<pb::UndeleteSessionRequest>,
    ) -> Result<Response<pb::UndeleteSessionResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (repeatable, id) = convert::undelete_session(request.into_inner())?;

        let session = sessions::undelete(&self.db, user_id, repeatable.as_ref(), id);
        let session = Some(convert::to_session(session.await.map_err(Error::from)?));
        Ok(Response::new(pb::UndeleteSessionResponse { session }))
    }

    #[tracing::instrument(name = "grpc.list_messages", skip_all)]
    async fn list_messages(
        &self,
        request: Request<pb::ListMessagesRequest>,
    ) -> Result<Response<pb::ListMessagesResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let list = convert::list_messages(request.get_ref(), &self.limits.pages)?;

        let listing = messages::list(&self.db, user_id, list.session_id, list.range());
        let listing = listing.await.map_err(Error::from)?;
        Ok(Response::new(convert::to_list_messages(&list, listing)))
    }

    #[tracing::instrument(name = "grpc.search_messages", skip_all)]
    async fn search_messages(
        &self,
        request: Request<pb::SearchMessagesRequest>,
    ) -> Result<Response<pb::SearchMessagesResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let search = search::read(request.into_inner())?;

        let found = search.run(&self.db, &self.embedder, user_id).await?;
        Ok(Response::new(search::to_hits(found)))
    }
}
