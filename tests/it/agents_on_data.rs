//! What an agent can do on data: asked through StartRun, answered by the builtin
//! provider.

mod limits;
mod postgres;
mod questions;
mod refusals;
mod values;

use proto::v1::{self as pb, FinishReason, RunState, create_data_source_request::Kind};

use crate::harness::{Api, Expect as _, Harness, OtherDatabase, RunningWorker, superuser_in};

const AIRPORTS: &str = include_str!("../../crates/dev/demo/airports.csv");
const PENGUINS: &str = include_str!("../../crates/dev/demo/penguins.csv");
const SEATTLE_WEATHER: &str = include_str!("../../crates/dev/demo/seattle-weather.csv");

/// A conversation with an agent.
struct Conversation {
    harness: Harness,
    _worker: RunningWorker,
    api: Api,
    data_source_id: i64,
    session_id: i64,
}

impl Conversation {
    /// With an agent that reads all of the demo's tables.
    async fn on_the_demo() -> Self {
        let tables =
            [("airports", AIRPORTS), ("penguins", PENGUINS), ("seattle_weather", SEATTLE_WEATHER)];
        Self::on_tables(&tables, pb::CreateAgentRequest::default()).await
    }

    /// With an agent that reads the demo's penguins.
    async fn on_penguins() -> Self {
        Self::on_tables(&[("penguins", PENGUINS)], pb::CreateAgentRequest::default()).await
    }

    /// With an agent that has these settings, on a data set of these tables.
    async fn on_tables(tables: &[(&str, &str)], settings: pb::CreateAgentRequest) -> Self {
        let (harness, worker) = Harness::start().await;
        let api = harness.api(1);
        let data_source_id = api.dataset().await;
        for (name, csv) in tables {
            api.import(data_source_id, name, csv).await.expect("the CSV is valid");
        }
        Self::on(harness, worker, pb::CreateAgentRequest { data_source_id, ..settings }).await
    }

    /// With an agent that reads somebody's database.
    async fn on_database(database: &OtherDatabase) -> Self {
        let (harness, worker) = Harness::start().await;
        let kind = Some(Kind::Postgres(database.way()));
        let request =
            pb::CreateDataSourceRequest { name: "Shop".to_owned(), kind, ..Default::default() };
        let mut sources = harness.api(1).sources;
        let source = sources.create_data_source(request).await.ok_response().data_source;
        let data_source_id = source.expect("it was created").id;
        let settings = pb::CreateAgentRequest { data_source_id, ..Default::default() };
        Self::on(harness, worker, settings).await
    }

    async fn on(
        harness: Harness,
        _worker: RunningWorker,
        settings: pb::CreateAgentRequest,
    ) -> Self {
        let api = harness.api(1);
        let data_source_id = settings.data_source_id;
        let request = pb::CreateAgentRequest { name: "Agent".to_owned(), ..settings };
        let agent = api.agents.clone().create_agent(request).await.ok_response().agent;
        let session_id = api.session(agent.expect("it was created").id, "").await.id;
        Self { harness, _worker, api, data_source_id, session_id }
    }

    /// Asks what must be answered.
    async fn ask(&self, question: &str) -> (pb::Run, pb::Message) {
        let (run, answer) = self.api.ask(self.session_id, question).await;
        assert_eq!(run.state(), RunState::Succeeded, "{question}: {run:?}");
        assert_eq!(answer.finish_reason(), FinishReason::Stop, "{question}");
        assert_eq!(answer.sql_query, run.sql_query, "{question}");
        (run, answer)
    }

    /// Asks what must fail before any statement is sent to the data source.
    async fn ask_in_vain(&self, question: &str, reason: &str) -> pb::Message {
        let (run, answer) = self.ask_and_fail(question, reason).await;
        assert_eq!(run.sql_query, "", "{question}");
        answer
    }

    /// Asks what must fail.
    async fn ask_and_fail(&self, question: &str, reason: &str) -> (pb::Run, pb::Message) {
        let (run, answer) = self.api.ask(self.session_id, question).await;
        assert_eq!(run.state(), RunState::Failed, "{question}: {run:?}");
        let error = run.error.as_ref().expect("a run that failed says why");
        assert_eq!(error.reason, reason, "{question}: {}", error.message);
        assert_eq!(answer.finish_reason(), FinishReason::Error, "{question}");
        assert!(answer.content.contains(&error.message), "{question}: {}", answer.content);
        assert_eq!(answer.sql_query, "", "no statement produced the answer to {question}");
        assert_eq!(metadata(&answer), format!("error_reason: {reason}"), "{question}");
        (run, answer)
    }

    /// A superuser's session in the database that holds the data sets.
    async fn store(&self) -> tokio_postgres::Client {
        superuser_in(&self.harness.sources.store.source(self.data_source_id, "").database).await
    }
}

/// What a message's metadata holds but for the time that the statement took.
fn metadata(message: &pb::Message) -> String {
    use prost_types::value::Kind;

    let print = |value: &prost_types::Value| match &value.kind {
        Some(Kind::StringValue(text)) => text.clone(),
        Some(Kind::NumberValue(number)) => number.to_string(),
        Some(Kind::BoolValue(flag)) => flag.to_string(),
        other => format!("{other:?}"),
    };
    let fields = &message.message_metadata.as_ref().expect("it is always there").fields;
    let fields = fields.iter().filter(|(name, _)| *name != "execution_ms");
    fields.map(|(name, value)| format!("{name}: {}", print(value))).collect::<Vec<_>>().join(", ")
}
