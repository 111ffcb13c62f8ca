//! AgentService.

use proto::v1 as pb;

use super::{Cell, sent};

const CREATE: &str = "AgentService/CreateAgent";
const GET: &str = "AgentService/GetAgent";
const LIST: &str = "AgentService/ListAgents";
const UPDATE: &str = "AgentService/UpdateAgent";
const DELETE: &str = "AgentService/DeleteAgent";

const NO_AGENT: &str = "AGENT_NOT_FOUND";
const NO_SOURCE: &str = "DATA_SOURCE_NOT_FOUND";

pub(super) fn cells() -> Vec<Cell> {
    vec![
        Cell::new(CREATE, "data_source_id", NO_SOURCE, |_, it| {
            [it.dataset, it.database].map(|id| sent(create(id, ""))).into()
        }),
        Cell::request_id(CREATE, NO_SOURCE, |_, it| vec![sent(create(i64::MAX, &it.request_id))]),
        Cell::new(GET, "agent_id", NO_AGENT, |_, it| {
            vec![sent(pb::GetAgentRequest { agent_id: it.agent })]
        }),
        Cell::new(LIST, "page_token", "OK", |_, it| {
            let page_token = it.tokens.agents.clone();
            vec![sent(pb::ListAgentsRequest { page_token, ..Default::default() })]
        }),
        Cell::new(UPDATE, "agent_id", NO_AGENT, |own, it| {
            [0, own.dataset].map(|source| sent(update(it.agent, source, ""))).into()
        }),
        Cell::new(UPDATE, "data_source_id", NO_SOURCE, |own, it| {
            [own.agent, it.agent]
                .into_iter()
                .flat_map(|agent| [it.dataset, it.database].map(|id| sent(update(agent, id, ""))))
                .collect()
        }),
        Cell::request_id(UPDATE, NO_AGENT, |own, it| {
            vec![sent(update(i64::MAX, own.dataset, &it.request_id))]
        }),
        Cell::new(DELETE, "agent_id", NO_AGENT, |_, it| vec![sent(delete(it.agent, ""))]),
        Cell::request_id(DELETE, NO_AGENT, |_, it| vec![sent(delete(i64::MAX, &it.request_id))]),
    ]
}

fn create(data_source_id: i64, request_id: &str) -> pb::CreateAgentRequest {
    let [name, request_id] = ["mine", request_id].map(str::to_owned);
    pb::CreateAgentRequest { name, data_source_id, request_id, ..Default::default() }
}

fn update(agent_id: i64, data_source_id: i64, request_id: &str) -> pb::UpdateAgentRequest {
    let [name, request_id] = ["mine", request_id].map(str::to_owned);
    pb::UpdateAgentRequest { agent_id, name, data_source_id, request_id, ..Default::default() }
}

fn delete(agent_id: i64, request_id: &str) -> pb::DeleteAgentRequest {
    pb::DeleteAgentRequest { agent_id, request_id: request_id.to_owned() }
}
