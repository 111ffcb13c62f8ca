//! Between RunService's wire types and ours.

use std::{mem, time::Duration};

use chrono::Utc;
use proto::v1::{self as pb, RunEvent, RunState, run_event::Event};
use storage::{
    AgentId, RunId, SessionId,
    entity::run::{Model, State, TruncatedBy},
    idempotency::Request,
    page::Page,
    runs::{Concurrency, Conversation, Filter, Start},
};
use trace_context::TraceContext;

use crate::{
    Error, Limits,
    grpc::{fields::Fields, page_token, sessions::to_message, time::to_timestamp},
    runs::{Watched, last_event_id},
};

const DEFAULT_PER_PAGE: u32 = 20;
const MAX_PER_PAGE: u32 = 50;
const MAX_REASON_CHARS: u32 = 200;
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
const MAX_WAIT: Duration = Duration::from_secs(300);
const DEFAULT_DEADLINE: Duration = Duration::from_secs(60 * 60);
const MIN_DEADLINE: Duration = Duration::from_secs(1);
const MAX_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// A run that was asked for.
pub(super) struct StartRun {
    pub request: Option<Request>,
    pub start: Start,
    pub wait: Duration,
}

pub(super) fn start_run(
    mut request: pb::StartRunRequest,
    limits: &Limits,
) -> Result<StartRun, Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    // How long to wait for it is no part of the question.
    let wait = request.wait.take();
    let repeatable = fields.request("StartRun", &request, &request_id);
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
    let question = fields.text("question", request.question, limits.texts.question);
    let concurrency = match fields.choice("concurrency", request.concurrency) {
        None | Some(pb::Concurrency::Unspecified | pb::Concurrency::Enqueue) => {
            Concurrency::Enqueue { max_waiting: limits.max_queued_runs }
        }
        Some(pb::Concurrency::Reject) => Concurrency::Reject,
        Some(pb::Concurrency::Interrupt) => Concurrency::Interrupt,
    };
    let deadline = fields.wait("deadline", request.deadline, DEFAULT_DEADLINE, MAX_DEADLINE);
    if deadline < MIN_DEADLINE {
        fields.refuse("deadline", "must be at least 1 s");
    }
    let wait = fields.wait("wait", wait, Duration::ZERO, MAX_WAIT);
    fields.check()?;
    let quotas = limits.quotas;
    let trace = TraceContext::current();
    let start = Start { conversation, question, concurrency, deadline, quotas, trace };
    Ok(StartRun { request: repeatable, start, wait })
}

pub(super) fn cancel_run(
    mut request: pb::CancelRunRequest,
) -> Result<(Option<Request>, RunId, String), Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request("CancelRun", &request, &request_id);
    let id = fields.id("run_id", request.run_id, RunId);
    let reason = fields.line("reason", &request.reason, MAX_REASON_CHARS);
    fields.check()?;
    Ok((repeatable, id, reason))
}

pub(super) fn watch_run(request: &pb::WatchRunRequest) -> Result<(RunId, i64), Error> {
    let mut fields = Fields::default();
    let id = fields.id("run_id", request.run_id, RunId);
    let after = fields.not_negative("after_event_id", request.after_event_id);
    fields.check()?;
    Ok((id, after))
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
        Some(RunState::Cancelling) => Some(State::Cancelling),
        Some(RunState::Cancelled) => Some(State::Cancelled),
        Some(RunState::Expired) => Some(State::Expired),
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

fn to_state(state: State) -> RunState {
    match state {
        State::Queued => RunState::Queued,
        State::Running => RunState::Running,
        State::Cancelling => RunState::Cancelling,
        State::Succeeded => RunState::Succeeded,
        State::Failed => RunState::Failed,
        State::Cancelled => RunState::Cancelled,
        State::Expired => RunState::Expired,
    }
}

pub(super) fn to_run(run: Model) -> pb::Run {
    let error = run
        .error_reason
        .map(|reason| pb::RunError { reason, message: run.error_message.unwrap_or_default() });
    pb::Run {
        id: run.id.0,
        session_id: run.chat_session_id.0,
        agent_id: run.agent_id.0,
        question: run.question,
        state: to_state(run.state).into(),
        attempts: run.attempts,
        sql_query: run.sql_used.unwrap_or_default(),
        execution_ms: run.execution_ms.unwrap_or_default(),
        row_count: run.row_count.unwrap_or_default(),
        truncated: run.truncated_by.is_some(),
        error,
        created_at: Some(to_timestamp(run.created_at)),
        admitted_at: run.admitted_at.map(to_timestamp),
        started_at: run.started_at.map(to_timestamp),
        ended_at: run.ended_at.map(to_timestamp),
        expires_at: Some(to_timestamp(run.expires_at)),
        truncated_by: to_truncated_by(run.truncated_by).into(),
        total_rows: run.total_rows,
        usage: run.model.map(|model| pb::Usage {
            model,
            prompt_tokens: run.prompt_tokens,
            completion_tokens: run.completion_tokens,
        }),
    }
}

pub(super) fn to_truncated_by(truncated_by: Option<TruncatedBy>) -> pb::TruncatedBy {
    match truncated_by {
        None => pb::TruncatedBy::Unspecified,
        Some(TruncatedBy::Rows) => pb::TruncatedBy::Rows,
        Some(TruncatedBy::Bytes) => pb::TruncatedBy::Bytes,
    }
}

pub(super) fn to_watched(watched: Watched) -> pb::WatchRunResponse {
    let now =
        |event| RunEvent { event_id: 0, time: Some(to_timestamp(Utc::now())), event: Some(event) };
    let event = match watched {
        Watched::Event(event) => event,
        Watched::State(run) => now(Event::State(pb::RunStateEvent {
            state: to_state(run.state).into(),
            ..Default::default()
        })),
        Watched::Gap => now(Event::Gap(pb::GapEvent {})),
        Watched::Heartbeat => now(Event::Heartbeat(pb::HeartbeatEvent {})),
        Watched::Final(run, answer) => {
            let (last, ended_at) = (last_event_id(&run), run.ended_at);
            let (run, answer) = (Some(to_run(*run)), answer.map(to_message));
            RunEvent {
                event_id: last + 1,
                time: ended_at.map(to_timestamp),
                event: Some(Event::Final(Box::new(pb::RunFinalEvent { run, answer }))),
            }
        }
    };
    pb::WatchRunResponse { event: Some(event) }
}
