//! Every rpc that takes a request's id, and what it does.

use futures::{FutureExt as _, future::BoxFuture};
use proto::v1::{self as pb, create_data_source_request::Kind};
use tonic::Status;

use crate::harness::{Api, Expect as _, Harness, random_uuid};

/// What a user has for the rpcs to change.
#[derive(Clone)]
pub(super) struct User {
    pub id: i64,
    pub api: Api,
    dataset: i64,
    postgres: i64,
    agent: i64,
    /// With an unfinished run.
    pub session: i64,
    idle: i64,
    deleted: i64,
    run: i64,
}

/// What a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Another,
    /// What can't be done.
    Impossible,
}

use Version::{Another, Impossible, One};

impl Version {
    fn name(self) -> String {
        match self {
            One => "one".to_owned(),
            Another => "another".to_owned(),
            Impossible => String::new(),
        }
    }

    /// `id`, or one that is not there.
    fn id(self, id: i64) -> i64 {
        if self == Impossible { i64::MAX } else { id }
    }
}

pub(super) type Call = fn(User, String, Version) -> BoxFuture<'static, Result<i64, Status>>;

pub(super) const RPCS: [(&str, Call); 13] = [
    ("CreateSession", |user, id, version| create_session(user, id, version).boxed()),
    ("UpdateSession", |user, id, version| update_session(user, id, version).boxed()),
    ("DeleteSession", |user, id, version| delete_session(user, id, version).boxed()),
    ("UndeleteSession", |user, id, version| undelete_session(user, id, version).boxed()),
    ("StartRun", |user, id, version| start_run(user, id, version).boxed()),
    ("CancelRun", |user, id, version| cancel_run(user, id, version).boxed()),
    ("CreateAgent", |user, id, version| create_agent(user, id, version).boxed()),
    ("UpdateAgent", |user, id, version| update_agent(user, id, version).boxed()),
    ("DeleteAgent", |user, id, version| delete_agent(user, id, version).boxed()),
    ("CreateDataSource", |user, id, version| create_dataset(user, id, version).boxed()),
    ("UpdateDataSource", |user, id, version| update_data_source(user, id, version).boxed()),
    ("DeleteDataSource", |user, id, version| delete_data_source(user, id, version).boxed()),
    ("ImportTable", |user, id, version| import_table(user, id, version).boxed()),
];

/// The other kind of data source.
pub(super) const CREATE_POSTGRES: (&str, Call) =
    ("CreateDataSource", |user, id, version| create_postgres(user, id, version).boxed());

impl User {
    pub(super) async fn new(harness: &Harness, id: i64) -> Self {
        let api = harness.api(id);
        let dataset = api.dataset().await;
        let agent = api.agent_on(dataset).await;
        let session = api.session(agent, "busy").await.id;
        let run = api.start(session, "well?").await.id;
        let idle = api.session(agent, "idle").await.id;
        let deleted = api.session(agent, "deleted").await.id;
        let request = pb::DeleteSessionRequest { session_id: deleted, ..Default::default() };
        api.sessions.clone().delete_session(request).await.ok_response();
        let mut user = Self { id, api, dataset, postgres: 0, agent, session, idle, deleted, run };
        user.postgres =
            create_postgres(user.clone(), random_uuid(), One).await.expect("it is created");
        user
    }

    /// What there is of the user's, without ids and times: equal for users to whom
    /// the same was done.
    pub(super) async fn belongings(&self, harness: &Harness) -> String {
        let sql = "SELECT concat_ws(E'\\n',
            (SELECT string_agg(concat_ws(' ', 'agent', name, version, deleted_at IS NULL),
                E'\\n' ORDER BY id) FROM agents WHERE user_id = $),
            (SELECT string_agg(concat_ws(' ', 'source', kind, name,
                sealed_password IS NULL, deleted_at IS NULL), E'\\n' ORDER BY id)
                FROM data_sources WHERE user_id = $ AND (deleted_at IS NULL OR drop_at < now())),
            (SELECT string_agg(concat_ws(' ', 'session', title, status, etag, total_messages,
                deleted_at IS NULL), E'\\n' ORDER BY id) FROM chat_sessions WHERE user_id = $),
            (SELECT string_agg(concat_ws(' ', 'run', question, state, error_message),
                E'\\n' ORDER BY id) FROM runs WHERE user_id = $))";
        harness.text(&sql.replace('$', &self.id.to_string())).await
    }
}

async fn create_session(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    let agent_id = version.id(user.agent);
    let request = pb::CreateSessionRequest { agent_id, title: version.name(), request_id };
    let response = user.api.sessions.clone().create_session(request).await?;
    Ok(response.into_inner().session.expect("it was created").id)
}

async fn update_session(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    let request = pb::UpdateSessionRequest {
        session_id: version.id(user.session),
        title: version.name(),
        // Its first one: what was updated has another.
        etag: user.api.get_session(user.idle).await.etag,
        request_id,
        ..Default::default()
    };
    let response = user.api.sessions.clone().update_session(request).await?;
    Ok(response.into_inner().session.expect("it was updated").id)
}

async fn delete_session(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    let session_id = if version == Another { user.idle } else { version.id(user.session) };
    let request = pb::DeleteSessionRequest { session_id, request_id };
    user.api.sessions.clone().delete_session(request).await.map(|_| session_id)
}

async fn undelete_session(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    let session_id = if version == Another { user.idle } else { version.id(user.deleted) };
    let request = pb::UndeleteSessionRequest { session_id, request_id };
    let response = user.api.sessions.clone().undelete_session(request).await?;
    Ok(response.into_inner().session.expect("it is there again").id)
}

async fn start_run(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    let request = pb::StartRunRequest { request_id, ..Default::default() };
    let session_id = version.id(user.idle);
    let question = format!("SELECT '{}'", version.name());
    Ok(user.api.try_start(session_id, &question, request).await?.id)
}

async fn cancel_run(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    let run_id = version.id(user.run);
    let request = pb::CancelRunRequest { run_id, reason: version.name(), request_id };
    let response = user.api.runs.clone().cancel_run(request).await?;
    Ok(response.into_inner().run.expect("it is there").id)
}

async fn create_agent(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    let request = pb::CreateAgentRequest {
        name: "agent".to_owned() + &version.name(),
        data_source_id: version.id(user.dataset),
        request_id,
        ..Default::default()
    };
    let response = user.api.agents.clone().create_agent(request).await?;
    Ok(response.into_inner().agent.expect("it was created").id)
}

async fn update_agent(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    let request = pb::UpdateAgentRequest {
        agent_id: version.id(user.agent),
        instructions: "be ".to_owned() + &version.name(),
        request_id,
        ..Default::default()
    };
    let response = user.api.agents.clone().update_agent(request).await?;
    Ok(response.into_inner().agent.expect("it was updated").id)
}

async fn delete_agent(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    // There is no other one, which is not looked at first.
    let agent_id = if version == Another { user.agent + 1 } else { version.id(user.agent) };
    let request = pb::DeleteAgentRequest { agent_id, request_id };
    user.api.agents.clone().delete_agent(request).await.map(|_| agent_id)
}

async fn create_dataset(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    create(user, request_id, version, Kind::Dataset(pb::Dataset {})).await
}

async fn create_postgres(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    let kind = Kind::Postgres(way(version));
    create(user, request_id, version, kind).await
}

pub(super) fn way(version: Version) -> pb::PostgresSource {
    pb::PostgresSource {
        host: "db.example.org".to_owned(),
        database: "sales".to_owned(),
        user: "reader".to_owned(),
        password: "secret ".to_owned() + &version.name(),
        ..Default::default()
    }
}

async fn create(
    user: User,
    request_id: String,
    version: Version,
    kind: Kind,
) -> Result<i64, Status> {
    let (name, kind) = (version.name(), Some(kind));
    let request = pb::CreateDataSourceRequest { name, kind, request_id };
    let response = user.api.sources.clone().create_data_source(request).await?;
    Ok(response.into_inner().data_source.expect("it was created").id)
}

async fn update_data_source(
    user: User,
    request_id: String,
    version: Version,
) -> Result<i64, Status> {
    let request = pb::UpdateDataSourceRequest {
        data_source_id: version.id(user.postgres),
        name: "renamed ".to_owned() + &version.name(),
        postgres: Some(way(version)),
        request_id,
        ..Default::default()
    };
    let response = user.api.sources.clone().update_data_source(request).await?;
    Ok(response.into_inner().data_source.expect("it was updated").id)
}

async fn delete_data_source(
    user: User,
    request_id: String,
    version: Version,
) -> Result<i64, Status> {
    let data_source_id = if version == Another { user.dataset } else { version.id(user.postgres) };
    let request = pb::DeleteDataSourceRequest { data_source_id, request_id };
    user.api.sources.clone().delete_data_source(request).await.map(|_| data_source_id)
}

async fn import_table(user: User, request_id: String, version: Version) -> Result<i64, Status> {
    let table = pb::ImportedTable {
        data_source_id: version.id(user.dataset),
        table_name: "t".to_owned() + &version.name(),
        request_id,
        ..Default::default()
    };
    user.api.import_as(table, "n\n1\n").await.map(|_| user.dataset)
}
