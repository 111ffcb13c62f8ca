//! Between AgentService's wire types and ours.

mod settings;

use std::mem;

use model::Models;
use proto::v1 as pb;
use storage::{
    AgentId, DataSourceId,
    agents::{Changes, Settings},
    entity::agent::{Model, PrivacyMode},
    idempotency::Request,
    page::Page,
};

use self::settings::{
    Limits, allow_list, conversation_retention, limits, model, privacy_mode, to_privacy_mode,
};
use crate::{
    Error,
    error::SAMPLE_VALUES_NOT_FULL,
    grpc::{
        fields::{Fields, MAX_TEXT_CHARS},
        page_token,
        time::to_timestamp,
    },
};

const DEFAULT_PER_PAGE: u32 = 20;
const MAX_PER_PAGE: u32 = 50;

pub(super) fn create_agent(
    mut request: pb::CreateAgentRequest,
    models: &Models,
) -> Result<(Option<Request>, Settings), Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request("CreateAgent", &request, &request_id);
    let Limits { max_rows, statement_timeout_ms, max_cost } = limits(&mut fields, request.limits);
    let settings = Settings {
        name: fields.name("name", &request.name),
        data_source_id: fields.id("data_source_id", request.data_source_id, DataSourceId),
        model: model(&mut fields, models, request.model),
        instructions: fields.text("instructions", request.instructions, MAX_TEXT_CHARS),
        table_allow_list: allow_list(&mut fields, request.table_allow_list),
        max_rows,
        statement_timeout_ms,
        max_cost,
        privacy_mode: privacy_mode(&mut fields, request.privacy_mode),
        sample_values: request.sample_values,
        conversation_retention: conversation_retention(&mut fields, request.conversation_retention),
    };
    if settings.sample_values && settings.privacy_mode != PrivacyMode::Full {
        fields.refuse("sample_values", SAMPLE_VALUES_NOT_FULL);
    }
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
    models: &Models,
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
        ("privacy_mode", request.privacy_mode != 0),
        ("sample_values", request.sample_values),
        ("conversation_retention", request.conversation_retention.is_some()),
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
            "model" => changes.model = Some(model(&mut fields, models, request.model.clone())),
            "instructions" => {
                let text =
                    fields.text("instructions", request.instructions.clone(), MAX_TEXT_CHARS);
                changes.instructions = Some(text);
            }
            "table_allow_list" => {
                let list = allow_list(&mut fields, request.table_allow_list.clone());
                changes.table_allow_list = Some(list);
            }
            "limits" => {
                let limits = limits(&mut fields, request.limits);
                changes.max_rows = Some(limits.max_rows);
                changes.statement_timeout_ms = Some(limits.statement_timeout_ms);
                changes.max_cost = Some(limits.max_cost);
            }
            "privacy_mode" => {
                changes.privacy_mode = Some(privacy_mode(&mut fields, request.privacy_mode));
            }
            "sample_values" => changes.sample_values = Some(request.sample_values),
            "conversation_retention" => {
                let kept = conversation_retention(&mut fields, request.conversation_retention);
                changes.conversation_retention = Some(kept);
            }
            _ => fields.refuse("update_mask", "names a field that can't be changed"),
        }
    }
    fields.check()?;
    Ok((repeatable, id, changes))
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
            max_cost: agent.max_cost,
        }),
        privacy_mode: to_privacy_mode(agent.privacy_mode).into(),
        sample_values: agent.sample_values,
        conversation_retention: agent
            .conversation_retention_seconds
            .map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
        version: agent.version,
        created_at: Some(to_timestamp(agent.created_at)),
        updated_at: Some(to_timestamp(agent.updated_at)),
    }
}
