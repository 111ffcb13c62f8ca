//! Everything that a user can read, in every way.

use prost::Message;
use proto::v1 as pb;

use super::{Answer, User};
use crate::{
    harness::{Harness, Scrutinized},
    ownership::wire,
};

const LIST_SESSIONS: &str = "SessionService/ListSessions";
const LIST_MESSAGES: &str = "SessionService/ListMessages";
const SEARCH: &str = "SessionService/SearchMessages";
const LIST_RUNS: &str = "RunService/ListRuns";
const WATCH: &str = "RunService/WatchRun";
const GET_RESULT: &str = "RunService/GetRunResult";
const EXPORT: &str = "RunService/ExportRunResult";
const LIST_AGENTS: &str = "AgentService/ListAgents";
const LIST_SOURCES: &str = "DataSourceService/ListDataSources";

/// The rpcs that are read here.
pub(in crate::ownership) const READ: [&str; 9] = [
    LIST_SESSIONS,
    LIST_MESSAGES,
    SEARCH,
    LIST_RUNS,
    WATCH,
    GET_RESULT,
    EXPORT,
    LIST_AGENTS,
    LIST_SOURCES,
];

/// A request, and what came back.
pub(super) struct Asked {
    pub(super) rpc: &'static str,
    pub(super) request: Vec<u8>,
    pub(super) answer: Answer,
}

/// Reads as one user, also from where another's pages begin.
pub(super) struct Reader<'a> {
    channel: Scrutinized,
    user: &'a User,
    stranger: &'a User,
    asked: Vec<Asked>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(harness: &Harness, user: &'a User, stranger: &'a User) -> Self {
        Self { channel: harness.channel(), user, stranger, asked: Vec::new() }
    }

    pub(super) async fn read_all(mut self) -> Vec<Asked> {
        self.read_sessions().await;
        self.read_conversations().await;
        self.read_runs().await;
        self.search().await;
        let request = |page_token| pb::ListAgentsRequest { per_page: 1, page_token };
        self.pages(LIST_AGENTS, request, |it: pb::ListAgentsResponse| it.pagination).await;
        let request = |page_token| pb::ListDataSourcesRequest { per_page: 1, page_token };
        self.pages(LIST_SOURCES, request, |it: pb::ListDataSourcesResponse| it.pagination).await;
        self.asked
    }

    async fn read(&mut self, rpc: &'static str, request: &impl Message) -> Answer {
        let request = request.encode_to_vec();
        let answer =
            wire::call(&self.channel, self.user.id, rpc, std::slice::from_ref(&request)).await;
        self.asked.push(Asked { rpc, request, answer: answer.clone() });
        answer
    }

    /// Reads all pages, from the first one and from the stranger's second one on.
    async fn pages<Q: Message, A: Message + Default>(
        &mut self,
        rpc: &'static str,
        request: impl Fn(String) -> Q,
        pagination: fn(A) -> Option<pb::Pagination>,
    ) {
        let next = |answer: &Answer| match answer.outcome().as_str() {
            "OK" => pagination(answer.message()).expect("lists have it").next_page_token,
            _ => String::new(),
        };
        let first = [request(String::new()).encode_to_vec()];
        let of_stranger = wire::call(&self.channel, self.stranger.id, rpc, &first).await;
        for mut token in [String::new(), next(&of_stranger)] {
            loop {
                token = next(&self.read(rpc, &request(token)).await);
                if token.is_empty() {
                    break;
                }
            }
        }
    }

    async fn read_sessions(&mut self) {
        let [after, before] =
            [0, 4_102_444_800].map(|seconds| Some(prost_types::Timestamp { seconds, nanos: 0 }));
        for status in 0..=3 {
            let all = pb::ListSessionsRequest { per_page: 1, status, ..Default::default() };
            for filtered in [
                pb::ListSessionsRequest { agent_id: self.user.agent, ..all.clone() },
                pb::ListSessionsRequest { agent_id: self.stranger.agent, ..all.clone() },
                pb::ListSessionsRequest { search: "sales".to_owned(), ..all.clone() },
                pb::ListSessionsRequest { search: self.stranger.mark.to_owned(), ..all.clone() },
                pb::ListSessionsRequest { min_messages: 1, ..all.clone() },
                pb::ListSessionsRequest { created_after: after, ..all.clone() },
                pb::ListSessionsRequest { created_before: before, ..all.clone() },
                all,
            ] {
                for page in 1..=3 {
                    self.read(LIST_SESSIONS, &pb::ListSessionsRequest { page, ..filtered.clone() })
                        .await;
                }
                let request =
                    |page_token| pb::ListSessionsRequest { page_token, ..filtered.clone() };
                let pagination = |it: pb::ListSessionsResponse| it.pagination;
                self.pages(LIST_SESSIONS, request, pagination).await;
            }
        }
    }

    async fn read_conversations(&mut self) {
        for session_id in self.user.sessions.iter().chain(&self.stranger.sessions).copied() {
            for (order, page) in [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)] {
                let (per_page, after_sequence) = (1, 0);
                let request =
                    pb::ListMessagesRequest { session_id, page, per_page, order, after_sequence };
                self.read(LIST_MESSAGES, &request).await;
            }
        }
    }

    async fn read_runs(&mut self) {
        let agents = [0, self.user.agent, self.stranger.agent];
        let sessions = [0, self.user.sessions[0], self.stranger.sessions[0]];
        for (agent_id, session_id) in
            agents.into_iter().flat_map(|agent| sessions.map(|session| (agent, session)))
        {
            for state in [0, pb::RunState::Succeeded.into()] {
                let per_page = 1;
                let request = |page_token| pb::ListRunsRequest {
                    per_page,
                    page_token,
                    session_id,
                    agent_id,
                    state,
                };
                self.pages(LIST_RUNS, request, |it: pb::ListRunsResponse| it.pagination).await;
            }
        }
        for run_id in self.user.runs.iter().chain(&self.stranger.runs).copied() {
            self.read(WATCH, &pb::WatchRunRequest { run_id, after_event_id: 0 }).await;
            let request = pb::GetRunResultRequest { run_id, ..Default::default() };
            self.read(GET_RESULT, &request).await;
            for format in [1, 2] {
                self.read(EXPORT, &pb::ExportRunResultRequest { run_id, format }).await;
            }
        }
    }

    async fn search(&mut self) {
        let queries = ["sales", "item price", self.user.mark, self.stranger.mark];
        let sessions = [0, self.user.sessions[0], self.stranger.sessions[0]];
        let agents = [0, self.user.agent, self.stranger.agent];
        for (query, mode) in queries.into_iter().flat_map(|it| [1, 2, 3].map(|mode| (it, mode))) {
            for (session_id, agent_id) in
                sessions.into_iter().flat_map(|session| agents.map(|agent| (session, agent)))
            {
                let (query, limit) = (query.to_owned(), 50);
                let request = pb::SearchMessagesRequest {
                    query,
                    mode,
                    limit,
                    session_id,
                    agent_id,
                    ..Default::default()
                };
                self.read(SEARCH, &request).await;
            }
        }
    }
}
