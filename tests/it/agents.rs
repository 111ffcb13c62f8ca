mod privacy;

use proto::v1 as pb;
use tonic::{Code, Status};

use crate::harness::{Api, Expect as _, Harness, mask};

async fn create(api: &Api, request: pb::CreateAgentRequest) -> pb::Agent {
    api.agents.clone().create_agent(request).await.ok_response().agent.expect("it was created")
}

async fn get(api: &Api, agent_id: i64) -> pb::Agent {
    let response = api.agents.clone().get_agent(pb::GetAgentRequest { agent_id }).await;
    response.ok_response().agent.expect("it is there")
}

async fn update(api: &Api, request: pb::UpdateAgentRequest) -> Result<pb::Agent, Status> {
    Ok(api.agents.clone().update_agent(request).await?.into_inner().agent.expect("it was changed"))
}

async fn list(api: &Api, per_page: i32, page_token: &str) -> pb::ListAgentsResponse {
    let request = pb::ListAgentsRequest { per_page, page_token: page_token.to_owned() };
    api.agents.clone().list_agents(request).await.ok_response()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&it| it.to_owned()).collect()
}

#[tokio::test]
async fn a_new_agent_has_defaults_for_what_is_not_given_and_keeps_what_is() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let data_source_id = api.dataset().await;
    let plain = pb::CreateAgentRequest {
        name: "  Plain ".to_owned(),
        data_source_id,
        ..Default::default()
    };
    let limits =
        pb::AgentLimits { max_rows: 10_000, statement_timeout_ms: 300_000, max_cost: 1e15 };
    let full = pb::CreateAgentRequest {
        name: "é".repeat(200),
        data_source_id,
        model: "builtin".to_owned(),
        instructions: "é".repeat(8_000),
        table_allow_list: names(&["penguins", "data.sales"]),
        limits: Some(limits),
        ..Default::default()
    };

    let plain = create(&api, plain).await;
    let created = create(&api, full.clone()).await;

    let defaults = pb::AgentLimits { max_rows: 500, statement_timeout_ms: 30_000, max_cost: 1e9 };
    assert_eq!((plain.name.as_str(), plain.model.as_str()), ("Plain", "builtin"));
    assert_eq!((plain.instructions.as_str(), plain.table_allow_list.len()), ("", 0));
    assert_eq!((plain.limits, plain.version), (Some(defaults), 1));
    assert!(plain.created_at.is_some());
    assert_eq!(plain.updated_at, plain.created_at);
    assert_eq!(get(&api, plain.id).await, plain);
    assert_eq!((&created.name, created.data_source_id), (&full.name, data_source_id));
    assert_eq!((&created.model, &created.instructions), (&full.model, &full.instructions));
    assert_eq!(created.table_allow_list, full.table_allow_list);
    assert_eq!(created.limits, Some(limits));
    assert_eq!(get(&api, created.id).await, created);
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names_and_raises_the_version() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let other_source = api.dataset().await;
    let given = pb::CreateAgentRequest {
        name: "before".to_owned(),
        data_source_id: api.dataset().await,
        instructions: "Be brief.".to_owned(),
        table_allow_list: names(&["a", "b"]),
        limits: Some(pb::AgentLimits { max_rows: 7, statement_timeout_ms: 8, max_cost: 9.5 }),
        ..Default::default()
    };
    let mut expected = create(&api, given).await;
    let all = pb::UpdateAgentRequest {
        agent_id: expected.id,
        name: " after ".to_owned(),
        data_source_id: other_source,
        model: "builtin".to_owned(),
        instructions: "Be kind.".to_owned(),
        table_allow_list: names(&["c"]),
        limits: Some(pb::AgentLimits { max_rows: 9, statement_timeout_ms: 0, max_cost: 0.5 }),
        update_mask: None,
        privacy_mode: pb::PrivacyMode::Full.into(),
        sample_values: true,
        ..Default::default()
    };

    type Change = fn(&mut pb::Agent, i64);
    let changes: [(&str, Change); 8] = [
        ("name", |it, _| it.name = "after".to_owned()),
        ("data_source_id", |it, source| it.data_source_id = source),
        ("model", |_, _| ()),
        ("instructions", |it, _| it.instructions = "Be kind.".to_owned()),
        ("table_allow_list", |it, _| it.table_allow_list = names(&["c"])),
        ("limits", |it, _| {
            it.limits =
                Some(pb::AgentLimits { max_rows: 9, statement_timeout_ms: 30_000, max_cost: 0.5 });
        }),
        ("privacy_mode", |it, _| it.privacy_mode = pb::PrivacyMode::Full.into()),
        ("sample_values", |it, _| it.sample_values = true),
    ];
    for (path, change) in changes {
        let request = pb::UpdateAgentRequest { update_mask: mask(&[path]), ..all.clone() };
        let after = update(&api, request).await.unwrap();

        change(&mut expected, other_source);
        expected.version += 1;
        assert!(expected.updated_at.unwrap().nanos != after.updated_at.unwrap().nanos, "{path}");
        expected.updated_at = after.updated_at;
        assert_eq!(after, expected, "{path}");
        assert_eq!(get(&api, expected.id).await, expected);
    }
}

#[tokio::test]
async fn a_mask_resets_what_can_be_empty_and_without_one_only_what_is_set_changes() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let given = pb::CreateAgentRequest {
        name: "before".to_owned(),
        data_source_id: api.dataset().await,
        instructions: "Be brief.".to_owned(),
        table_allow_list: names(&["a", "b"]),
        limits: Some(pb::AgentLimits { max_rows: 7, statement_timeout_ms: 8, max_cost: 9.5 }),
        ..Default::default()
    };
    let before = create(&api, given).await;
    let empty = pb::UpdateAgentRequest { agent_id: before.id, ..Default::default() };

    let request = pb::UpdateAgentRequest { name: "after".to_owned(), ..empty.clone() };
    let renamed = update(&api, request).await.unwrap();
    let paths = ["model", "instructions", "table_allow_list", "limits"];
    let request = pb::UpdateAgentRequest { update_mask: mask(&paths), ..empty };
    let reset = update(&api, request).await.unwrap();

    let expected = pb::Agent {
        name: "after".to_owned(),
        version: 2,
        updated_at: renamed.updated_at,
        ..before.clone()
    };
    assert_eq!(renamed, expected);
    assert_eq!((reset.name.as_str(), reset.model.as_str(), reset.version), ("after", "builtin", 3));
    assert_eq!((reset.instructions.as_str(), reset.table_allow_list.len()), ("", 0));
    let defaults = pb::AgentLimits { max_rows: 500, statement_timeout_ms: 30_000, max_cost: 1e9 };
    assert_eq!(reset.limits, Some(defaults));
}

#[tokio::test]
async fn agents_are_listed_newest_first_page_by_page() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let data_source_id = api.dataset().await;
    let mut ids = Vec::new();
    for _ in 0..23 {
        ids.push(api.agent_on(data_source_id).await);
    }
    let deleted = ids.remove(11);
    let request = pb::DeleteAgentRequest { agent_id: deleted, ..Default::default() };
    api.agents.clone().delete_agent(request).await.ok_response();
    ids.reverse();

    for (per_page, applied) in [(0, 20), (1, 1), (7, 7), (22, 22), (51, 50), (i32::MAX, 50)] {
        let (mut token, mut found) = (String::new(), Vec::new());
        loop {
            let page = list(&api, per_page, &token).await;
            let pagination = page.pagination.unwrap();
            assert_eq!(pagination.per_page, applied);
            assert_eq!(
                (pagination.page, pagination.total_items, pagination.total_pages),
                (0, 0, 0)
            );
            assert_eq!(pagination.has_prev, !found.is_empty());
            assert_eq!(pagination.has_next, !pagination.next_page_token.is_empty());
            assert!(page.agents.len() <= usize::try_from(applied).unwrap());
            found.extend(page.agents.iter().map(|it| it.id));
            token = pagination.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found, ids, "per_page {per_page}");
    }
}

#[tokio::test]
async fn an_agent_created_between_two_pages_neither_shifts_nor_repeats_rows() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let data_source_id = api.dataset().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(api.agent_on(data_source_id).await);
    }
    ids.reverse();

    let first = list(&api, 2, "").await;
    api.agent_on(data_source_id).await;
    let second = list(&api, 2, &first.pagination.unwrap().next_page_token).await;

    let found: Vec<i64> = first.agents.iter().chain(&second.agents).map(|it| it.id).collect();
    assert_eq!(found, ids);
    assert_eq!(second.pagination.unwrap().next_page_token, "");
}

#[tokio::test]
async fn a_deleted_agent_is_gone_from_every_call() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent_id = api.agent().await;

    let request = pb::DeleteAgentRequest { agent_id, ..Default::default() };
    api.agents.clone().delete_agent(request).await.ok_response();

    let mut agents = api.agents.clone();
    let outcome = agents.get_agent(pb::GetAgentRequest { agent_id }).await;
    outcome.refused(Code::NotFound, "AGENT_NOT_FOUND");
    let name = "back".to_owned();
    let request = pb::UpdateAgentRequest { agent_id, name, ..Default::default() };
    agents.update_agent(request).await.refused(Code::NotFound, "AGENT_NOT_FOUND");
    let request = pb::DeleteAgentRequest { agent_id, ..Default::default() };
    agents.delete_agent(request).await.refused(Code::NotFound, "AGENT_NOT_FOUND");
    assert_eq!(list(&api, 0, "").await.agents, []);
}

#[tokio::test]
async fn a_data_source_can_be_deleted_once_no_agent_reads_from_it() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let (first, second) = (api.dataset().await, api.dataset().await);
    let agent_id = api.agent_on(first).await;
    let delete = async |data_source_id| {
        let request = pb::DeleteDataSourceRequest { data_source_id, ..Default::default() };
        api.sources.clone().delete_data_source(request).await
    };

    delete(first).await.refused(Code::FailedPrecondition, "DATA_SOURCE_IN_USE");
    let move_on = pb::UpdateAgentRequest { agent_id, data_source_id: second, ..Default::default() };
    update(&api, move_on.clone()).await.unwrap();
    delete(first).await.ok_response();
    delete(second).await.refused(Code::FailedPrecondition, "DATA_SOURCE_IN_USE");
    let back = pb::UpdateAgentRequest { data_source_id: first, ..move_on };
    let outcome = api.agents.clone().update_agent(back).await;
    let request = pb::DeleteAgentRequest { agent_id, ..Default::default() };
    api.agents.clone().delete_agent(request).await.ok_response();
    delete(second).await.ok_response();

    outcome.refused(Code::NotFound, "DATA_SOURCE_NOT_FOUND");
    delete(second).await.refused(Code::NotFound, "DATA_SOURCE_NOT_FOUND");
}
