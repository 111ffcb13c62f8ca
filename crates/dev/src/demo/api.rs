//! The few calls of the API that the demo makes.

use anyhow::Context as _;
use proto::v1::{
    self as pb, agent_service_client::AgentServiceClient, create_data_source_request::Kind,
    data_source_service_client::DataSourceServiceClient, import_table_request::Part,
    run_service_client::RunServiceClient, session_service_client::SessionServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// How long the first answer may take.
const PATIENCE: prost_types::Duration = prost_types::Duration { seconds: 60, nanos: 0 };
/// How large the pieces of an import are.
const PIECE: usize = 64 * 1024;

pub(crate) type Client = InterceptedService<Channel, Bearer>;

#[derive(Clone, Debug)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    pub(crate) fn new(token: &str) -> anyhow::Result<Self> {
        Ok(Self(format!("Bearer {token}").parse()?))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

pub(crate) struct Api {
    sessions: SessionServiceClient<Client>,
    runs: RunServiceClient<Client>,
    agents: AgentServiceClient<Client>,
    sources: DataSourceServiceClient<Client>,
}

impl Api {
    pub(crate) async fn connect(grpc: &str, token: &str) -> anyhow::Result<Self> {
        let channel = Endpoint::try_from(format!("http://{grpc}"))?.connect().await?;
        let bearer = Bearer::new(token)?;
        Ok(Self {
            sessions: SessionServiceClient::with_interceptor(channel.clone(), bearer.clone()),
            runs: RunServiceClient::with_interceptor(channel.clone(), bearer.clone()),
            agents: AgentServiceClient::with_interceptor(channel.clone(), bearer.clone()),
            sources: DataSourceServiceClient::with_interceptor(channel, bearer),
        })
    }

    pub(crate) async fn find_data_source(&mut self, name: &str) -> anyhow::Result<Option<i64>> {
        let request = pb::ListDataSourcesRequest { per_page: 100, ..Default::default() };
        let sources = self.sources.list_data_sources(request).await?.into_inner().data_sources;
        Ok(sources.iter().find(|source| source.name == name).map(|source| source.id))
    }

    pub(crate) async fn create_data_set(&mut self, name: &str) -> anyhow::Result<i64> {
        let kind = Some(Kind::Dataset(pb::Dataset {}));
        let request =
            pb::CreateDataSourceRequest { name: name.to_owned(), kind, ..Default::default() };
        let response = self.sources.create_data_source(request).await?.into_inner();
        Ok(response.data_source.context("no data source in the response")?.id)
    }

    pub(crate) async fn tables(&mut self, data_source_id: i64) -> anyhow::Result<Vec<String>> {
        let request = pb::GetSchemaRequest { data_source_id, agent_id: 0 };
        let tables = self.sources.get_schema(request).await?.into_inner().tables;
        Ok(tables.into_iter().map(|table| table.name).collect())
    }

    pub(crate) async fn import(
        &mut self,
        data_source_id: i64,
        table_name: &str,
        csv: &'static str,
    ) -> anyhow::Result<i64> {
        let table_name = table_name.to_owned();
        let table = pb::ImportedTable { data_source_id, table_name, ..Default::default() };
        let pieces = csv.as_bytes().chunks(PIECE).map(|piece| Part::Data(piece.into()));
        let parts = std::iter::once(Part::Table(table)).chain(pieces);
        let requests = parts.map(|part| pb::ImportTableRequest { part: Some(part) });
        let response = self.sources.import_table(tokio_stream::iter(requests)).await?;
        Ok(response.into_inner().row_count)
    }

    pub(crate) async fn find_agent(&mut self, name: &str) -> anyhow::Result<Option<i64>> {
        let request = pb::ListAgentsRequest { per_page: 100, ..Default::default() };
        let agents = self.agents.list_agents(request).await?.into_inner().agents;
        Ok(agents.iter().find(|agent| agent.name == name).map(|agent| agent.id))
    }

    pub(crate) async fn create_agent(
        &mut self,
        name: &str,
        data_source_id: i64,
        limits: Option<pb::AgentLimits>,
    ) -> anyhow::Result<i64> {
        let name = name.to_owned();
        let request = pb::CreateAgentRequest { name, data_source_id, limits, ..Default::default() };
        let response = self.agents.create_agent(request).await?.into_inner();
        Ok(response.agent.context("no agent in the response")?.id)
    }

    pub(crate) async fn find_session(
        &mut self,
        agent_id: i64,
        title: &str,
    ) -> anyhow::Result<Option<i64>> {
        let search = title.to_owned();
        let request = pb::ListSessionsRequest { agent_id, search, ..Default::default() };
        let sessions = self.sessions.list_sessions(request).await?.into_inner().sessions;
        Ok(sessions.iter().find(|session| session.title == title).map(|session| session.id))
    }

    pub(crate) async fn create_session(
        &mut self,
        agent_id: i64,
        title: &str,
    ) -> anyhow::Result<i64> {
        let request =
            pb::CreateSessionRequest { agent_id, title: title.to_owned(), ..Default::default() };
        let response = self.sessions.create_session(request).await?.into_inner();
        Ok(response.session.context("no session in the response")?.id)
    }

    pub(crate) async fn ask(&mut self, session_id: i64, question: &str) -> anyhow::Result<pb::Run> {
        let question = question.to_owned();
        let wait = Some(PATIENCE);
        let request = pb::StartRunRequest { session_id, question, wait, ..Default::default() };
        let response = self.runs.start_run(request).await?.into_inner();
        response.run.context("no run in the response")
    }

    /// The newest messages of a session, oldest first.
    pub(crate) async fn messages(&mut self, session_id: i64) -> anyhow::Result<Vec<pb::Message>> {
        let mut request = pb::ListMessagesRequest { session_id, ..Default::default() };
        request.set_order(pb::MessageOrder::Descending);
        let mut messages = self.sessions.list_messages(request).await?.into_inner().messages;
        messages.reverse();
        Ok(messages)
    }
}
