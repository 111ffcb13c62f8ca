//! Users who differ in one word.

use futures::{FutureExt as _, future};
use prost::{Message as _, encoding::encode_varint};
use proto::v1::{self as pb, create_data_source_request::Kind};

use super::Answer;
use crate::{
    harness::{Api, Expect as _, Harness, Scrutinized},
    ownership::wire,
};

const TABLES: [&str; 5] = ["data_sources", "agents", "chat_sessions", "runs", "messages"];

pub(super) struct User {
    pub(super) id: i64,
    /// In all texts of this user, and in no others.
    pub(super) mark: &'static str,
    pub(super) source: i64,
    pub(super) agent: i64,
    pub(super) sessions: Vec<i64>,
    pub(super) runs: Vec<i64>,
    api: Api,
    channel: Scrutinized,
}

/// Gives no two rows of any tables the same id, and none one that is short: where it
/// is found, it is the row's.
pub(super) async fn number_rows_by_table(harness: &Harness) {
    for (table, first) in TABLES.iter().zip(1..) {
        let sql = format!("ALTER TABLE {table} ALTER COLUMN id RESTART WITH {first}000000000001");
        harness.execute(&sql).await;
    }
}

impl User {
    pub(super) async fn new(harness: &Harness, id: i64, mark: &'static str) -> Self {
        let (api, channel) = (harness.api(id), harness.channel());
        let (name, kind) = (mark.to_owned(), Some(Kind::Dataset(pb::Dataset {})));
        let (sessions, runs) = (Vec::new(), Vec::new());
        let mut user = Self { id, mark, source: 0, agent: 0, sessions, runs, api, channel };
        // The second of each makes the first one's page have a next one.
        for _ in 0..2 {
            let (name, kind) = (name.clone(), kind.clone());
            let request = pb::CreateDataSourceRequest { name, kind, ..Default::default() };
            let made = user.api.sources.clone().create_data_source(request).await.ok_response();
            user.source = made.data_source.expect("it was created").id;
            let csv = format!("item,price\n{mark},1\nslate,2\n");
            user.api.import(user.source, "sales", &csv).await.expect("it is imported");
            user.agent = user.new_agent().await;
        }
        user
    }

    async fn new_agent(&self) -> i64 {
        let request = pb::CreateAgentRequest {
            name: self.mark.to_owned(),
            data_source_id: self.source,
            instructions: format!("You know all about {}.", self.mark),
            ..Default::default()
        };
        let made = self.api.agents.clone().create_agent(request).await.ok_response();
        made.agent.expect("it was created").id
    }

    pub(super) async fn open_session(&mut self) {
        let title = format!("Sales of {}", self.mark);
        self.sessions.push(self.api.session(self.agent, &title).await.id);
    }

    /// Asks in all sessions at once, and returns what a watch of each run shows.
    pub(super) async fn talk(&mut self) -> Vec<Answer> {
        let question = format!("SELECT item, '{}' AS of FROM sales ORDER BY item", self.mark);
        let ask = |session_id| {
            let (api, channel) = (&self.api, &self.channel);
            let (question, user_id) = (question.as_str(), self.id);
            async move {
                let run_id = api.start(session_id, question).await.id;
                let request = pb::WatchRunRequest { run_id, after_event_id: 0 }.encode_to_vec();
                let seen =
                    wire::call(channel, user_id, "RunService/WatchRun", &[request]).boxed().await;
                (run_id, seen)
            }
        };
        let asked = future::join_all(self.sessions.iter().copied().map(ask)).await;
        let (runs, seen) = asked.into_iter().unzip();
        self.runs = runs;
        seen
    }

    pub(super) async fn put_one_away(&mut self) {
        let status = pb::SessionStatus::Archived.into();
        let session_id = self.sessions[0];
        let request = pb::UpdateSessionRequest { session_id, status, ..Default::default() };
        self.api.sessions.clone().update_session(request).await.ok_response();
    }

    /// The word, and all ids of this user's rows, as they are in messages and in texts.
    pub(super) async fn traces(&self, harness: &Harness) -> Vec<Vec<u8>> {
        let of_table = |table| format!("SELECT id FROM {table} WHERE user_id = {}", self.id);
        let ids = TABLES.map(of_table).join(" UNION ALL ");
        let ids = harness.text(&format!("SELECT string_agg(id::text, ' ') FROM ({ids}) it")).await;
        let mut traces = vec![self.mark.as_bytes().to_vec()];
        for id in ids.split(' ') {
            let mut number = Vec::new();
            encode_varint(id.parse().expect("it is a number"), &mut number);
            traces.extend([id.as_bytes().to_vec(), number]);
        }
        assert!(10 < traces.len(), "{traces:?}");
        traces
    }
}
