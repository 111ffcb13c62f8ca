//! AgentService.

mod convert;

use model::Models;
use proto::v1::{self as pb, agent_service_server::AgentService};
use storage::{Database, agents};
use tonic::{Request, Response, Status};

use crate::{Error, auth::Caller};

#[derive(Debug)]
pub(crate) struct AgentGrpc {
    db: Database,
    /// Those that an agent may be given.
    models: Models,
}

impl AgentGrpc {
    pub(crate) fn new(db: Database, models: Models) -> Self {
        Self { db, models }
    }
}

#[tonic::async_trait]
impl AgentService for AgentGrpc {
    #[tracing::instrument(name = "grpc.create_agent", skip_all)]
    async fn create_agent(
        &self,
        request: Request<pb::CreateAgentRequest>,
    ) -> Result<Response<pb::CreateAgentResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (repeatable, settings) = convert::create_agent(request.into_inner(), &self.models)?;

        let agent = agents::insert(&self.db, user_id, repeatable.as_ref(), settings);
        let agent = Some(convert::to_agent(agent.await.map_err(Error::from)?));
        Ok(Response::new(pb::CreateAgentResponse { agent }))
    }

    #[tracing::instrument(name = "grpc.get_agent", skip_all)]
    async fn get_agent(
        &self,
        request: Request<pb::GetAgentRequest>,
    ) -> Result<Response<pb::GetAgentResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let id = convert::agent_id(request.get_ref().agent_id)?;

        let agent = agents::get(&self.db, user_id, id).await.map_err(Error::from)?;
        let agent = Some(convert::to_agent(agent));
        Ok(Response::new(pb::GetAgentResponse { agent }))
    }

    #[tracing::instrument(name = "grpc.list_agents", skip_all)]
    async fn list_agents(
        &self,
        request: Request<pb::ListAgentsRequest>,
    ) -> Result<Response<pb::ListAgentsResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let list = convert::list_agents(request.get_ref())?;

        let page = agents::list(&self.db, user_id, list.before, list.per_page.into());
        let page = page.await.map_err(Error::from)?;
        Ok(Response::new(convert::to_list_agents(&list, page)))
    }

    #[tracing::instrument(name = "grpc.update_agent", skip_all)]
    async fn update_agent(
        &self,
        request: Request<pb::UpdateAgentRequest>,
    ) -> Result<Response<pb::UpdateAgentResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (repeatable, id, changes) = convert::update_agent(request.into_inner(), &self.models)?;

        let agent = agents::update(&self.db, user_id, repeatable.as_ref(), id, changes);
        let agent = Some(convert::to_agent(agent.await.map_err(Error::from)?));
        Ok(Response::new(pb::UpdateAgentResponse { agent }))
    }

    #[tracing::instrument(name = "grpc.delete_agent", skip_all)]
    async fn delete_agent(
        &self,
        request: Request<pb::DeleteAgentRequest>,
    ) -> Result<Response<pb::DeleteAgentResponse>, Status> {
        let Caller { user_id } = Caller::of(&request)?;
        let (repeatable, id) = convert::delete_agent(request.into_inner())?;

        let deleted = agents::delete(&self.db, user_id, repeatable.as_ref(), id);
        deleted.await.map_err(Error::from)?;
        Ok(Response::new(pb::DeleteAgentResponse {}))
    }
}
