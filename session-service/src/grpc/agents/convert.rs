//! Between AgentService's wire types and ours.

use std::mem;

use proto::v1 as pb;
use storage::{
    AgentId, DataSourceId,
    agents::{Changes, Settings},
    entity::agent::Model,
    idempotency::Request,
    page::Page,
};

use crate::{
    Error,
    grpc::{fields::Fields, page_token, time::to_timestamp},
};

/// The models that an agent may be given; the first is the default.
const MODELS: [&str; 1] = ["builtin"];
const DEFAULT_MAX_ROWS: i32 = 500;
const MAX_MAX_ROWS: i32 = 10_000;
const DEFAULT_TIMEOUT_MS: i32 = 30_000;
const MAX_TIMEOUT_MS: i32 = 300_000;
const MAX_ALLOW_LIST: usize = 1_000;
const MAX_ALLOW_LIST_BYTES: usize = 16 * 1024;
const MAX_TABLE_CHARS: usize = 200;
const DEFAULT_PER_PAGE: u32 = 20;
const MAX_PER_PAGE: u32 = 50;

pub(super) fn create_agent(
    mut request: pb::CreateAgentRequest,
) -> Result<(Option<Request>, Settings), Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request("CreateAgent", &request, &request_id);
    let (max_rows, statement_timeout_ms) = limits(&mut fields, request.limits);
    let settings = Settings {
        name: fields.name("name", &request.name),
        data_source_id: fields.id("data_source_id", request.data_source_id, DataSourceId),
        model: model(&mut fields, request.model),
        instructions: fields.text("instructions", request.instructions),
        table_allow_list: allow_list(&mut fields, request.table_allow_list),
        max_rows,
        statement_timeout_ms,
    };
    fields.check()?;
    Ok((repeatable, settings))
}

pub(super) fn agent_id(value: i64) -> Result<AgentId, Error> {
    let mut fields = Fields::default();
    let id = fields.id("agent_id", value, AgentId);
    fields.check()?;
    Ok(id)
}

pub(super) fn delete_agent(
    mut request: pb::DeleteAgentRequest,
) -> Result<(Option<Request>, AgentId), Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request("DeleteAgent", &request, &request_id);
    let id = fields.id("agent_id", request.agent_id, AgentId);
    fields.check()?;
    Ok((repeatable, id))
}

pub(super) fn update_agent(
    mut request: pb::UpdateAgentRequest,
) -> Result<(Option<Request>, AgentId, Changes), Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request("UpdateAgent", &request, &request_id);
    let id = fields.id("agent_id", request.agent_id, AgentId);
    let known = [
        ("name", !request.name.is_empty()),
        ("data_source_id", request.data_source_id != 0),
        ("model", !request.model.is_empty()),
        ("instructions", !request.instructions.is_empty()),
        ("table_allow_list", !request.table_allow_list.is_empty()),
        ("limits", request.limits.is_some()),
    ];
    let mask = fields.mask(request.update_mask, &known);
    let mut changes = Changes::default();
    for path in mask {
        match path {
            "name" => changes.name = Some(fields.name("name", &request.name)),
            "data_source_id" => {
                let id = fields.id("data_source_id", request.data_source_id, DataSourceId);
                changes.data_source_id = Some(id);
            }
            "model" => changes.model = Some(model(&mut fields, request.model.clone())),
            "instructions" => {
                let text = fields.text("instructions", request.instructions.clone());
                changes.instructions = Some(text);
            }
            "table_allow_list" => {
                let list = allow_list(&mut fields, request.table_allow_list.clone());
                changes.table_allow_list = Some(list);
            }
            "limits" => {
                let (max_rows, statement_timeout_ms) = limits(&mut fields, request.limits);
                changes.max_rows = Some(max_rows);
                changes.statement_timeout_ms = Some(statement_timeout_ms);
            }
            _ => fields.refuse("update_mask", "names a field that can't be changed"),
        }
    }
    fields.check()?;
    Ok((repeatable, id, changes))
}

fn model(fields: &mut Fields, name: String) -> String {
    if name.is_empty() {
        return MODELS[0].to_owned();
    }
    if !MODELS.contains(&name.as_str()) {
        fields.refuse("model", format!("is not one of {}", MODELS.join(", ")));
    }
    name
}

fn allow_list(fields: &mut Fields, list: Vec<String>) -> Vec<String> {
    if MAX_ALLOW_LIST < list.len() {
        let problem = format!("must not have more than {MAX_ALLOW_LIST} entries");
        fields.refuse("table_allow_list", problem);
    } else if MAX_ALLOW_LIST_BYTES < list.iter().map(String::len).sum() {
        let problem = format!("must not have more than {MAX_ALLOW_LIST_BYTES} bytes in all");
        fields.refuse("table_allow_list", problem);
    }
    let is_name = |it: &String| {
        !it.is_empty() && it.chars().count() <= MAX_TABLE_CHARS && !it.contains(char::is_control)
    };
    if !list.iter().all(is_name) {
        let problem = format!("must hold names of 1 to {MAX_TABLE_CHARS} characters");
        fields.refuse("table_allow_list", problem);
    }
    list
}

fn limits(fields: &mut Fields, limits: Option<pb::AgentLimits>) -> (i32, i32) {
    let limits = limits.unwrap_or_default();
    let mut limit = |field, value: i32, default: i32, max: i32| match value {
        0 => default,
        value => {
            if !(1..=max).contains(&value) {
                fields.refuse(field, format!("must be from 1 to {max}, or 0 for {default}"));
            }
            value
        }
    };
    (
        limit("limits.max_rows", limits.max_rows, DEFAULT_MAX_ROWS, MAX_MAX_ROWS),
        limit(
            "limits.statement_timeout_ms",
            limits.statement_timeout_ms,
            DEFAULT_TIMEOUT_MS,
            MAX_TIMEOUT_MS,
        ),
    )
}

/// A list of agents that was asked for.
pub(super) struct ListAgents {
    pub before: Option<AgentId>,
    pub per_page: u32,
}

pub(super) fn list_agents(request: &pb::ListAgentsRequest) -> Result<ListAgents, Error> {
    let mut fields = Fields::default();
    let per_page = fields.per_page(request.per_page, DEFAULT_PER_PAGE, MAX_PER_PAGE);
    let before = fields.id_token(&request.page_token, page_token::fingerprint("agents"));
    fields.check()?;
    Ok(ListAgents { before: before.map(AgentId), per_page })
}

pub(super) fn to_list_agents(
    list: &ListAgents,
    page: Page<Model, AgentId>,
) -> pb::ListAgentsResponse {
    let next = page.next.map(|id| page_token::of_id(page_token::fingerprint("agents"), id.0));
    let pagination = page_token::to_pagination(list.per_page, list.before.is_some(), next);
    let agents = page.items.into_iter().map(to_agent).collect();
    pb::ListAgentsResponse { agents, pagination: Some(pagination) }
}

pub(super) fn to_agent(agent: Model) -> pb::Agent {
    pb::Agent {
        id: agent.id.0,
        name: agent.name,
        data_source_id: agent.data_source_id.0,
        model: agent.model,
        instructions: agent.instructions,
        table_allow_list: agent.table_allow_list,
        limits: Some(pb::AgentLimits {
            max_rows: agent.max_rows,
            statement_timeout_ms: agent.statement_timeout_ms,
        }),
        version: agent.version,
        created_at: Some(to_timestamp(agent.created_at)),
        updated_at: Some(to_timestamp(agent.updated_at)),
    }
}
