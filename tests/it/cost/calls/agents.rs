use proto::v1 as pb;

use super::{Meter, Stage};
use crate::harness::{Expect as _, mask};

pub(super) async fn make(stage: &Stage, meter: &mut impl Meter) {
    let Stage { api, dataset, .. } = stage;
    let mut agents = api.agents.clone();
    let request = pb::CreateAgentRequest {
        name: "Agent".to_owned(),
        data_source_id: *dataset,
        ..Default::default()
    };
    let created = meter.of("AgentService/CreateAgent", agents.create_agent(request)).await;
    let agent_id = created.ok_response().agent.expect("it was created").id;
    read(stage, agent_id, meter).await;
    let request = pb::UpdateAgentRequest {
        agent_id,
        name: "Another".to_owned(),
        update_mask: mask(&["name"]),
        ..Default::default()
    };
    meter.of("AgentService/UpdateAgent", agents.update_agent(request)).await.ok_response();
    let request = pb::DeleteAgentRequest { agent_id, ..Default::default() };
    meter.of("AgentService/DeleteAgent", agents.delete_agent(request)).await.ok_response();
}

pub(super) async fn read(Stage { api, .. }: &Stage, agent_id: i64, meter: &mut impl Meter) {
    let mut agents = api.agents.clone();
    let request = pb::GetAgentRequest { agent_id };
    meter.of("AgentService/GetAgent", agents.get_agent(request)).await.ok_response();
    let request = pb::ListAgentsRequest { per_page: 1, ..Default::default() };
    meter.of("AgentService/ListAgents", agents.list_agents(request)).await.ok_response();
}
