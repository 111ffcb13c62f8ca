//! Between RunService's wire types and ours.

use std::time::Duration;

use proto::v1::{self as pb, RunState};
use storage::{
    AgentId, RunId, SessionId,
    entity::run::{Model, State},
    page::Page,
    runs::{Conversation, Filter},
};

use crate::{
    Error,
    grpc::{fields::Fields, page_token, time::to_timestamp},
};

const DEFAULT_PER_PAGE: u32 = 20;
const MAX_PER_PAGE: u32 = 50;
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
const MAX_WAIT: Duration = Duration::from_secs(300);

pub(super) fn start_run(
    request: pb::StartRunRequest,
) -> Result<(Conversation, String, Duration), Error> {
    let mut fields = Fields::default();
    let agent_id = fields.optional_id("agent_id", request.agent_id, AgentId);
    let session_id = fields.optional_id("session_id", request.session_id, SessionId);
    let conversation = match (session_id, agent_id) {
        (Some(session_id), agent_id) => Conversation::Existing(session_id, agent_id),
        (None, Some(agent_id)) => Conversation::New(agent_id),
        (None, None) => {
            fields.refuse("agent_id", "is required unless session_id is set");
            Conversation::New(AgentId(0))
        }
    };
    if request.question.trim().is_empty() {
        fields.refuse("question", "is required");
    }
    let question = fields.text("question", request.question);
    let wait = fields.wait("wait", request.wait, Duration::ZERO, MAX_WAIT);
    fields.check()?;
    Ok((conversation, question, wait))
}

pub(super) fn get_run(request: &pb::GetRunRequest) -> Result<RunId, Error> {
    let mut fields = Fields::default();
    let id = fields.id("run_id", request.run_id, RunId);
    fields.check()?;
    Ok(id)
}

pub(super) fn wait_run(request: &pb::WaitRunRequest) -> Result<(RunId, Duration), Error> {
    let mut fields = Fields::default();
    let id = fields.id("run_id", request.run_id, RunId);
    let timeout = fields.wait("timeout", request.timeout, DEFAULT_WAIT, MAX_WAIT);
    fields.check()?;
    Ok((id, timeout))
}

/// A list of runs that was asked for.
pub(super) struct ListRuns {
    pub filter: Filter,
    pub before: Option<RunId>,
    pub per_page: u32,
    fingerprint: u64,
}

pub(super) fn list_runs(request: &pb::ListRunsRequest) -> Result<ListRuns, Error> {
    let mut fields = Fields::default();
    let per_page = fields.per_page(request.per_page, DEFAULT_PER_PAGE, MAX_PER_PAGE);
    let state = match fields.choice("state", request.state) {
        None | Some(RunState::Unspecified) => None,
        Some(RunState::Queued) => Some(State::Queued),
        Some(RunState::Running) => Some(State::Running),
        Some(RunState::Succeeded) => Some(State::Succeeded),
        Some(RunState::Failed) => Some(State::Failed),
    };
    let filter = Filter {
        session_id: fields.optional_id("session_id", request.session_id, SessionId),
        agent_id: fields.optional_id("agent_id", request.agent_id, AgentId),
        state,
    };
    let fingerprint =
        page_token::fingerprint((request.session_id, request.agent_id, request.state));
    let before = fields.id_token(&request.page_token, fingerprint).map(RunId);
    fields.check()?;
    Ok(ListRuns { filter, before, per_page, fingerprint })
}

pub(super) fn to_list_runs(list: &ListRuns, page: Page<Model, RunId>) -> pb::ListRunsResponse {
    let next = page.next.map(|id| page_token::of_id(list.fingerprint, id.0));
    let pagination = page_token::to_pagination(list.per_page, list.before.is_some(), next);
    let runs = page.items.into_iter().map(to_run).collect();
    pb::ListRunsResponse { runs, pagination: Some(pagination) }
}

pub(super) fn to_run(run: Model) -> pb::Run {
    let state = match run.state {
        State::Queued => RunState::Queued,
        State::Running => RunState::Running,
        State::Succeeded => RunState::Succeeded,
        State::Failed => RunState::Failed,
    };
    let error = run
        .error_reason
        .map(|reason| pb::RunError { reason, message: run.error_message.unwrap_or_default() });
    pb::Run {
        id: run.id.0,
        session_id: run.chat_session_id.0,
        agent_id: run.agent_id.0,
        question: run.question,
        state: state.into(),
        attempts: run.attempts,
        sql_query: run.sql_used.unwrap_or_default(),
        execution_ms: run.execution_ms.unwrap_or_default(),
        row_count: run.row_count.unwrap_or_default(),
        truncated: run.truncated,
        error,
        created_at: Some(to_timestamp(run.created_at)),
        admitted_at: run.admitted_at.map(to_timestamp),
        started_at: run.started_at.map(to_timestamp),
        ended_at: run.ended_at.map(to_timestamp),
    }
}
