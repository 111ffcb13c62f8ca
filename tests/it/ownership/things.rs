//! What users have, and have had.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use proto::v1::{self as pb, create_data_source_request::Kind};

use crate::harness::{Api, Expect as _, Harness, Said, random_uuid};

/// No id is as large.
const NEVER: i64 = 1 << 60;

/// Of all messages, by nobody's model.
const EMBEDDED: &str = "
    INSERT INTO message_embeddings
        (message_id, user_id, agent_id, chat_session_id, model, content_hash, embedding)
    SELECT m.id, m.user_id, s.agent_id, s.id, 'none', '', array_fill(1, ARRAY[1536])::vector
    FROM messages m JOIN chat_sessions s ON s.id = m.chat_session_id";

/// All tables with rows of users, and which of them are user 2's.
const ROWS_OF_THE_OTHER: [(&str, &str); 9] = [
    ("data_sources", "user_id = 2"),
    ("agents", "user_id = 2"),
    ("chat_sessions", "user_id = 2"),
    ("runs", "user_id = 2"),
    ("run_results", "run_id IN (SELECT id FROM runs WHERE user_id = 2)"),
    ("messages", "user_id = 2"),
    ("message_embeddings", "user_id = 2"),
    ("background_tasks", "subject_id IN (SELECT id FROM messages WHERE user_id = 2)"),
    ("idempotency_keys", "user_id = 2"),
];

/// What names rows of one user.
#[derive(Clone, Debug)]
pub(super) struct Things {
    pub(super) dataset: i64,
    pub(super) database: i64,
    pub(super) agent: i64,
    pub(super) session: i64,
    pub(super) run: i64,
    /// The run was started by it, and the data set's table imported.
    pub(super) request_id: String,
    pub(super) tokens: Tokens,
}

/// Each leads to what is older than these things.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens {
    pub(super) sessions: String,
    pub(super) runs: String,
    pub(super) agents: String,
    pub(super) sources: String,
}

/// User 1 with what is theirs, older than all that it is not.
pub(super) struct World {
    pub(super) harness: Harness,
    pub(super) own: Things,
    /// Theirs and deleted; but the agent still has a conversation.
    pub(super) deleted: Things,
    /// What others have, and what names nothing.
    pub(super) others: [(&'static str, Things); 3],
    /// What has never named anything.
    pub(super) never: Things,
}

impl Things {
    async fn of(api: &Api) -> Self {
        let request_id = random_uuid();
        let dataset = api.dataset().await;
        api.import_as(table(dataset, &request_id), "n\n1\n").await.expect("it is imported");
        let database = database(api).await;
        let agent = api.agent_on(dataset).await;
        let session = api.session(agent, "a title").await.id;
        let run = api.runs.clone().start_run(start(session, &request_id)).await.ok_response();
        let run = run.run.expect("it was started").id;
        let tokens = Tokens::after_the_newest(api).await;
        Self { dataset, database, agent, session, run, request_id, tokens }
    }

    async fn delete(&self, api: &Api) {
        let Api { mut agents, mut sources, .. } = api.clone();
        api.delete_session(self.session).await;
        let request = pb::DeleteAgentRequest { agent_id: self.agent, ..Default::default() };
        agents.delete_agent(request).await.ok_response();
        for data_source_id in [self.dataset, self.database] {
            let request = pb::DeleteDataSourceRequest { data_source_id, ..Default::default() };
            sources.delete_data_source(request).await.ok_response();
        }
    }
}

/// What a table is imported by.
pub(super) fn table(data_source_id: i64, request_id: &str) -> pb::ImportedTable {
    let (table_name, request_id) = ("numbers".to_owned(), request_id.to_owned());
    pb::ImportedTable { data_source_id, table_name, request_id, ..Default::default() }
}

/// What a run is started by.
pub(super) fn start(session_id: i64, request_id: &str) -> pb::StartRunRequest {
    let (question, request_id) = ("a question".to_owned(), request_id.to_owned());
    pb::StartRunRequest { session_id, question, request_id, ..Default::default() }
}

/// The way to a database.
pub(super) fn way() -> pb::PostgresSource {
    pb::PostgresSource {
        host: "db.example.com".to_owned(),
        database: "sales".to_owned(),
        user: "reader".to_owned(),
        password: "secret".to_owned(),
        ..Default::default()
    }
}

async fn database(api: &Api) -> i64 {
    let (name, kind) = ("Sales".to_owned(), Some(Kind::Postgres(way())));
    let request = pb::CreateDataSourceRequest { name, kind, ..Default::default() };
    let response = api.sources.clone().create_data_source(request).await.ok_response();
    response.data_source.expect("it was created").id
}

impl Tokens {
    /// As these, but that there has never been a row where they lead.
    fn at_nothing(&self) -> Self {
        let at_nothing = |token: &String| {
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(token).expect("a token is base64");
            let id = bytes.last_chunk_mut().expect("a token ends with the id of a row");
            *id = NEVER.to_be_bytes();
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        };
        Self {
            sessions: at_nothing(&self.sessions),
            runs: at_nothing(&self.runs),
            agents: at_nothing(&self.agents),
            sources: at_nothing(&self.sources),
        }
    }

    async fn after_the_newest(api: &Api) -> Self {
        let Api { mut sessions, mut runs, mut agents, mut sources, .. } = api.clone();
        let token = |it: Option<pb::Pagination>| it.expect("lists have it").next_page_token;
        let request = pb::ListSessionsRequest { per_page: 1, ..Default::default() };
        let listed_sessions = sessions.list_sessions(request).await.ok_response();
        let request = pb::ListRunsRequest { per_page: 1, ..Default::default() };
        let listed_runs = runs.list_runs(request).await.ok_response();
        let request = pb::ListAgentsRequest { per_page: 1, ..Default::default() };
        let listed_agents = agents.list_agents(request).await.ok_response();
        let request = pb::ListDataSourcesRequest { per_page: 1, ..Default::default() };
        let listed_sources = sources.list_data_sources(request).await.ok_response();
        Self {
            sessions: token(listed_sessions.pagination),
            runs: token(listed_runs.pagination),
            agents: token(listed_agents.pagination),
            sources: token(listed_sources.pagination),
        }
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let harness = Harness::without_worker().await;
        let [api, of_others, of_the_gone] = [1, 2, 3].map(|user_id| harness.api(user_id));
        let own = Things::of(&api).await;
        let gone_agent = api.agent_on(own.dataset).await;
        let kept = api.session(gone_agent, "kept").await.id;
        api.start(kept, "a question").await;
        // Only where there is something older there is a token.
        Things::of(&of_others).await;
        Things::of(&of_the_gone).await;

        let foreign = Things::of(&of_others).await;
        let foreign_deleted = Things::of(&of_others).await;
        let purged = Things::of(&of_the_gone).await;
        let mut deleted = Things::of(&api).await;
        // As if they had been answered, so that there is something to be found.
        harness.say(Said::in_session(foreign.session, "a question", "an answer")).await;
        harness.execute("INSERT INTO run_results SELECT id, '[]', '[]' FROM runs").await;
        harness.execute(EMBEDDED).await;
        foreign_deleted.delete(&of_others).await;
        deleted.delete(&api).await;
        let request = pb::DeleteAgentRequest { agent_id: gone_agent, ..Default::default() };
        api.agents.clone().delete_agent(request).await.ok_response();
        deleted.agent = gone_agent;
        purge(&harness, 3).await;

        let never = Things {
            dataset: NEVER,
            database: NEVER,
            agent: NEVER,
            session: NEVER,
            run: NEVER,
            request_id: random_uuid(),
            tokens: purged.tokens.at_nothing(),
        };
        let others =
            [("another's", foreign), ("another's, deleted", foreign_deleted), ("purged", purged)];
        Self { harness, own, deleted, others, never }
    }

    /// All rows of the other user, but what the sweep notes in them.
    pub(super) async fn rows_of_the_other(&self) -> String {
        let mut rows = Vec::new();
        for (table, whose) in ROWS_OF_THE_OTHER {
            let sql = format!(
                "SELECT coalesce(string_agg(line, E'\\n' ORDER BY line), '') FROM (
                    SELECT (to_jsonb(it) - '{{wake_at,publications,drop_at}}'::text[])::text AS line
                    FROM {table} it WHERE {whose}
                ) AS lines"
            );
            let found = self.harness.text(&sql).await;
            assert!(!found.is_empty(), "the other has no {table}");
            rows.push(found);
        }
        rows.join("\n")
    }
}

/// Removes all rows of a user.
pub(super) async fn purge(harness: &Harness, user_id: i64) {
    for table in ["chat_sessions", "agents", "data_sources", "idempotency_keys"] {
        harness.execute(&format!("DELETE FROM {table} WHERE user_id = {user_id}")).await;
    }
}
