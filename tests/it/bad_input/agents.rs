use proto::v1 as pb;

use super::{bad_lines, bad_texts, check};
use crate::harness::{Harness, mask};

#[tokio::test]
async fn bad_agents_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let data_source_id = api.dataset().await;
    let limits = |max_rows, statement_timeout_ms| {
        Some(pb::AgentLimits { max_rows, statement_timeout_ms, max_cost: 0.0 })
    };
    let name = "An agent".to_owned();
    let plain = pb::CreateAgentRequest { name, data_source_id, ..Default::default() };
    let mut cases = vec![
        (pb::CreateAgentRequest { name: " \n ".to_owned(), ..plain.clone() }, "name"),
        (pb::CreateAgentRequest { data_source_id: 0, ..plain.clone() }, "data_source_id"),
        (pb::CreateAgentRequest { data_source_id: -1, ..plain.clone() }, "data_source_id"),
    ];
    for name in bad_lines() {
        cases.push((pb::CreateAgentRequest { name, ..plain.clone() }, "name"));
    }
    for model in ["gpt", "Builtin", " builtin"] {
        let model = model.to_owned();
        cases.push((pb::CreateAgentRequest { model, ..plain.clone() }, "model"));
    }
    for instructions in bad_texts() {
        cases.push((pb::CreateAgentRequest { instructions, ..plain.clone() }, "instructions"));
    }
    for bad in [String::new(), "a\0b".to_owned(), "a".repeat(201)] {
        let table_allow_list = vec!["good".to_owned(), bad];
        cases.push((
            pb::CreateAgentRequest { table_allow_list, ..plain.clone() },
            "table_allow_list",
        ));
    }
    let table_allow_list = vec!["a".to_owned(); 1_001];
    cases.push((pb::CreateAgentRequest { table_allow_list, ..plain.clone() }, "table_allow_list"));
    let (rows, time) = ("limits.max_rows", "limits.statement_timeout_ms");
    for (limits, fields) in [
        (limits(-1, 0), rows),
        (limits(10_001, 0), rows),
        (limits(i32::MAX, 0), rows),
        (limits(0, -1), time),
        (limits(0, 300_001), time),
        (limits(i32::MIN, i32::MAX), "limits.max_rows limits.statement_timeout_ms"),
    ] {
        cases.push((pb::CreateAgentRequest { limits, ..plain.clone() }, fields));
    }
    for max_cost in [-1.0, -1e-300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.01e15] {
        let limits = Some(pb::AgentLimits { max_cost, ..Default::default() });
        cases.push((pb::CreateAgentRequest { limits, ..plain.clone() }, "limits.max_cost"));
    }
    for privacy_mode in [-1, 4, i32::MAX] {
        cases.push((pb::CreateAgentRequest { privacy_mode, ..plain.clone() }, "privacy_mode"));
    }
    cases.push((pb::CreateAgentRequest { sample_values: true, ..plain.clone() }, "sample_values"));
    cases.push((
        pb::CreateAgentRequest {
            name: String::new(),
            data_source_id: 0,
            model: "gpt".to_owned(),
            instructions: "\0".to_owned(),
            table_allow_list: vec![String::new()],
            limits: Some(pb::AgentLimits {
                max_rows: -1,
                statement_timeout_ms: -1,
                max_cost: -1.0,
            }),
            request_id: "7".to_owned(),
            privacy_mode: -1,
            sample_values: true,
            conversation_retention: Some(prost_types::Duration { seconds: -1, nanos: 0 }),
        },
        "request_id limits.max_rows limits.statement_timeout_ms limits.max_cost name \
         data_source_id model instructions table_allow_list privacy_mode conversation_retention \
         sample_values",
    ));
    check(async |it| api.agents.clone().create_agent(it).await, cases).await;

    let plain = pb::UpdateAgentRequest { agent_id: api.agent().await, ..Default::default() };
    let masked =
        |paths: &[&str]| pb::UpdateAgentRequest { update_mask: mask(paths), ..plain.clone() };
    let cases = [
        (plain.clone(), "update_mask"),
        (pb::UpdateAgentRequest::default(), "agent_id update_mask"),
        (masked(&["version"]), "update_mask"),
        (masked(&["limits.max_rows"]), "update_mask"),
        (masked(&["instructions", "user_id"]), "update_mask"),
        (masked(&["name"]), "name"),
        (masked(&["data_source_id"]), "data_source_id"),
        (pb::UpdateAgentRequest { name: " ".to_owned(), ..plain.clone() }, "name"),
        (pb::UpdateAgentRequest { data_source_id: -1, ..plain.clone() }, "data_source_id"),
        (pb::UpdateAgentRequest { model: "gpt".to_owned(), ..plain.clone() }, "model"),
        (pb::UpdateAgentRequest { limits: limits(10_001, 0), ..plain.clone() }, rows),
        (pb::UpdateAgentRequest { privacy_mode: 4, ..plain.clone() }, "privacy_mode"),
        (pb::UpdateAgentRequest { sample_values: true, ..plain.clone() }, "sample_values"),
    ];
    check(async |it| api.agents.clone().update_agent(it).await, cases).await;

    let page =
        |per_page, token: &str| pb::ListAgentsRequest { per_page, page_token: token.to_owned() };
    let cases = [(page(-1, ""), "per_page"), (page(0, "!"), "page_token")];
    check(async |it| api.agents.clone().list_agents(it).await, cases).await;
}
