//! The API as one user sees it, and the few steps that most tests begin with.

use jsonwebtoken::EncodingKey;
use proto::v1::{
    self as pb, agent_service_client::AgentServiceClient, create_data_source_request::Kind,
    data_source_service_client::DataSourceServiceClient, import_table_request::Part,
    run_service_client::RunServiceClient, session_service_client::SessionServiceClient,
    user_data_service_client::UserDataServiceClient,
};
use serde_json::json;
use tonic::{
    Code, Request, Response, Status,
    service::{Interceptor, interceptor::InterceptedService},
};
use tonic_types::StatusExt as _;

use super::{
    scrutiny::{Scrutinized, look_at_answer, look_at_run},
    watch::Watch,
};

pub(crate) const JWT_SECRET: &str = "a secret that only the tests know";

type Bearing = InterceptedService<Scrutinized, Bearer>;

/// Puts the user's token into every request.
#[derive(Clone)]
pub(crate) struct Bearer(Option<String>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            let header = format!("Bearer {token}").parse().expect("a token is ASCII");
            request.metadata_mut().insert("authorization", header);
        }
        Ok(request)
    }
}

/// A token as the issuer makes it.
pub(crate) fn token(user_id: i64) -> String {
    let claims = json!({ "sub": user_id.to_string(), "exp": u32::MAX });
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    jsonwebtoken::encode(&Default::default(), &claims, &key).expect("claims are valid")
}

/// A field mask of these paths.
pub(crate) fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask { paths: paths.iter().map(|&it| it.to_owned()).collect() })
}

#[derive(Clone)]
pub(crate) struct Api {
    pub sessions: SessionServiceClient<Bearing>,
    pub runs: RunServiceClient<Bearing>,
    pub agents: AgentServiceClient<Bearing>,
    pub sources: DataSourceServiceClient<Bearing>,
    pub user_data: UserDataServiceClient<Bearing>,
}

impl Api {
    pub(super) fn new(channel: Scrutinized, token: Option<String>) -> Self {
        let bearer = Bearer(token);
        Self {
            sessions: SessionServiceClient::with_interceptor(channel.clone(), bearer.clone()),
            runs: RunServiceClient::with_interceptor(channel.clone(), bearer.clone()),
            agents: AgentServiceClient::with_interceptor(channel.clone(), bearer.clone()),
            sources: DataSourceServiceClient::with_interceptor(channel.clone(), bearer.clone()),
            user_data: UserDataServiceClient::with_interceptor(channel, bearer),
        }
    }

    /// Creates an empty data set.
    pub(crate) async fn dataset(&self) -> i64 {
        let kind = Some(Kind::Dataset(pb::Dataset {}));
        let request =
            pb::CreateDataSourceRequest { name: "Data".to_owned(), kind, ..Default::default() };
        let response = self.sources.clone().create_data_source(request).await.ok_response();
        response.data_source.expect("it was created").id
    }

    /// Imports CSV into a table of a data set.
    pub(crate) async fn import(
        &self,
        data_source_id: i64,
        table_name: &str,
        csv: &str,
    ) -> Result<pb::ImportTableResponse, Status> {
        let table = pb::ImportedTable {
            data_source_id,
            table_name: table_name.to_owned(),
            ..Default::default()
        };
        self.import_as(table, csv).await
    }

    /// Imports CSV in small pieces, as `table` says.
    pub(crate) async fn import_as(
        &self,
        table: pb::ImportedTable,
        csv: &str,
    ) -> Result<pb::ImportTableResponse, Status> {
        let part = |part| pb::ImportTableRequest { part: Some(part) };
        let mut requests = vec![part(Part::Table(table))];
        let pieces = csv.as_bytes().chunks(64 * 1024);
        requests.extend(pieces.map(|piece| part(Part::Data(piece.to_vec().into()))));
        let stream = tokio_stream::iter(requests);
        Ok(self.sources.clone().import_table(stream).await?.into_inner())
    }

    /// Creates an agent with default settings.
    pub(crate) async fn agent_on(&self, data_source_id: i64) -> i64 {
        let request = pb::CreateAgentRequest {
            name: "Agent".to_owned(),
            data_source_id,
            // Some tests need statements that take long.
            limits: Some(pb::AgentLimits { max_cost: 1e15, ..Default::default() }),
            ..Default::default()
        };
        let response = self.agents.clone().create_agent(request).await.ok_response();
        response.agent.expect("it was created").id
    }

    /// Creates an agent on an empty data set.
    pub(crate) async fn agent(&self) -> i64 {
        self.agent_on(self.dataset().await).await
    }

    /// Creates an agent on a data set with the demo's penguins.
    pub(crate) async fn penguins_agent(&self) -> i64 {
        let dataset = self.dataset().await;
        let csv = include_str!("../../../crates/dev/demo/penguins.csv");
        self.import(dataset, "penguins", csv).await.expect("the demo's data can be imported");
        self.agent_on(dataset).await
    }

    pub(crate) async fn session(&self, agent_id: i64, title: &str) -> pb::Session {
        let request =
            pb::CreateSessionRequest { agent_id, title: title.to_owned(), ..Default::default() };
        let response = self.sessions.clone().create_session(request).await.ok_response();
        response.session.expect("it was created")
    }

    /// Asks in a session, without waiting.
    pub(crate) async fn start(&self, session_id: i64, question: &str) -> pb::Run {
        let question = question.to_owned();
        let request = pb::StartRunRequest { session_id, question, ..Default::default() };
        let response = self.runs.clone().start_run(request).await.ok_response();
        response.run.expect("it was started")
    }

    /// Asks in a session, and waits for the run's end.
    pub(crate) async fn ask(&self, session_id: i64, question: &str) -> (pb::Run, pb::Message) {
        let run = self.start(session_id, question).await;
        self.wait(run.id).await
    }

    /// Asks in a session, as `request` says, without waiting.
    pub(crate) async fn try_start(
        &self,
        session_id: i64,
        question: &str,
        request: pb::StartRunRequest,
    ) -> Result<pb::Run, Status> {
        let question = question.to_owned();
        let request = pb::StartRunRequest { session_id, question, ..request };
        let response = self.runs.clone().start_run(request).await?.into_inner();
        Ok(response.run.expect("it was started"))
    }

    /// Asks for a run's end.
    pub(crate) async fn cancel(&self, run_id: i64) -> pb::Run {
        let reason = "no longer needed".to_owned();
        let request = pb::CancelRunRequest { run_id, reason, ..Default::default() };
        let response = self.runs.clone().cancel_run(request).await.ok_response();
        response.run.inspect(look_at_run).expect("it is there")
    }

    pub(crate) async fn run(&self, run_id: i64) -> pb::Run {
        let response = self.runs.clone().get_run(pb::GetRunRequest { run_id }).await.ok_response();
        response.run.inspect(look_at_run).expect("it is there")
    }

    /// Waits for a run's end; there is no answer if it ended before its turn came.
    pub(crate) async fn end(&self, run_id: i64) -> (pb::Run, Option<pb::Message>) {
        let timeout = Some(prost_types::Duration { seconds: 60, nanos: 0 });
        let request = pb::WaitRunRequest { run_id, timeout };
        let response = self.runs.clone().wait_run(request).await.ok_response();
        let run = response.run.expect("it is there");
        assert!(run.ended_at.is_some(), "it has not ended within a minute: {run:?}");
        look_at_run(&run);
        response.answer.iter().for_each(|answer| look_at_answer(&run, answer));
        (run, response.answer)
    }

    /// Waits for a run's end, and returns it with its answer.
    pub(crate) async fn wait(&self, run_id: i64) -> (pb::Run, pb::Message) {
        let (run, answer) = self.end(run_id).await;
        (run, answer.expect("its turn came"))
    }

    /// Watches a run from the event after this one on.
    pub(crate) async fn watch(&self, run_id: i64, after_event_id: i64) -> Watch {
        let request = pb::WatchRunRequest { run_id, after_event_id };
        Watch(self.runs.clone().watch_run(request).await.ok_response())
    }

    pub(crate) async fn delete_session(&self, session_id: i64) {
        let request = pb::DeleteSessionRequest { session_id, ..Default::default() };
        self.sessions.clone().delete_session(request).await.ok_response();
    }

    /// The first 100 messages of a session.
    pub(crate) async fn messages(&self, session_id: i64) -> Vec<pb::Message> {
        let request = pb::ListMessagesRequest { session_id, per_page: 100, ..Default::default() };
        self.sessions.clone().list_messages(request).await.ok_response().messages
    }

    pub(crate) async fn get_session(&self, session_id: i64) -> pb::Session {
        let request = pb::GetSessionRequest { session_id };
        let response = self.sessions.clone().get_session(request).await.ok_response();
        response.session.expect("it is there")
    }
}

/// What tests expect of a call's outcome.
pub(crate) trait Expect<T> {
    /// The response, where the call must succeed.
    fn ok_response(self) -> T;

    /// The status, where the call must fail with this code and reason.
    fn refused(self, code: Code, reason: &str) -> Status;

    /// As `refused`, for input that is refused for these fields.
    fn invalid(self, fields: &[&str]) -> Status;
}

impl<T: std::fmt::Debug> Expect<T> for Result<Response<T>, Status> {
    #[track_caller]
    fn ok_response(self) -> T {
        self.expect("the call succeeds").into_inner()
    }

    #[track_caller]
    fn refused(self, code: Code, reason: &str) -> Status {
        let status = self.expect_err("the call is refused");
        let info = status.get_details_error_info().expect("every refusal has its ErrorInfo");
        let found = (status.code(), info.reason.as_str(), info.domain.as_str());
        assert_eq!(found, (code, reason, "tertulia.v1"), "{status:?}");
        status
    }

    #[track_caller]
    fn invalid(self, fields: &[&str]) -> Status {
        let status = self.refused(Code::InvalidArgument, "INVALID_FIELD");
        let bad_request = status.get_details_bad_request().expect("bad input names its fields");
        let found: Vec<&str> =
            bad_request.field_violations.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(found, fields, "{status:?}");
        status
    }
}
