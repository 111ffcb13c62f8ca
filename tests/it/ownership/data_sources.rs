use proto::v1 as pb;

use super::{NEVER, check, strangers};
use crate::harness::{Api, Expect as _};

#[tokio::test]
async fn data_sources_of_others_and_deleted_ones_are_as_if_they_had_never_been() {
    let (harness, things) = strangers().await;
    let api = &harness.api(1);
    let ids = things.iter().flat_map(|it| [it.source, it.database]).collect::<Vec<_>>();
    let ids = || ids.iter().copied();
    let get = async |api: &Api, data_source_id| {
        let request = pb::GetDataSourceRequest { data_source_id };
        api.sources.clone().get_data_source(request).await
    };
    let foreign = get(&harness.api(2), things[0].source).await.ok_response();
    let own_agent = api.agent().await;
    let reason = "DATA_SOURCE_NOT_FOUND";

    check("GetDataSource", ids(), reason, async |id| get(api, id).await.map(drop)).await;
    check("UpdateDataSource", ids(), reason, async |data_source_id| {
        let name = "mine".to_owned();
        let request = pb::UpdateDataSourceRequest { data_source_id, name, ..Default::default() };
        api.sources.clone().update_data_source(request).await.map(drop)
    })
    .await;
    check("UpdateDataSource with the way to it", ids(), reason, async |data_source_id| {
        let postgres = pb::PostgresSource {
            host: "db.example.com".to_owned(),
            database: "sales".to_owned(),
            user: "reader".to_owned(),
            ..Default::default()
        };
        let postgres = Some(postgres);
        let request =
            pb::UpdateDataSourceRequest { data_source_id, postgres, ..Default::default() };
        api.sources.clone().update_data_source(request).await.map(drop)
    })
    .await;
    check("DeleteDataSource", ids(), reason, async |data_source_id| {
        let request = pb::DeleteDataSourceRequest { data_source_id, ..Default::default() };
        api.sources.clone().delete_data_source(request).await.map(drop)
    })
    .await;
    for agent_id in [0, own_agent, things[0].agent, NEVER] {
        check("GetSchema", ids(), reason, async |data_source_id| {
            let request = pb::GetSchemaRequest { data_source_id, agent_id };
            api.sources.clone().get_schema(request).await.map(drop)
        })
        .await;
    }
    check("RefreshSchema", ids(), reason, async |data_source_id| {
        let request = pb::RefreshSchemaRequest { data_source_id };
        api.sources.clone().refresh_schema(request).await.map(drop)
    })
    .await;
    for allow_superuser in [false, true] {
        check("TestDataSource", ids(), reason, async |data_source_id| {
            let request = pb::TestDataSourceRequest { data_source_id, allow_superuser };
            api.sources.clone().test_data_source(request).await.map(drop)
        })
        .await;
    }
    check("ImportTable", ids(), reason, async |id| api.import(id, "t", "a\n1\n").await.map(drop))
        .await;
    check("CreateAgent", ids(), reason, async |data_source_id| {
        let name = "mine".to_owned();
        let request = pb::CreateAgentRequest { name, data_source_id, ..Default::default() };
        api.agents.clone().create_agent(request).await.map(drop)
    })
    .await;
    check("UpdateAgent", ids(), reason, async |data_source_id| {
        let request =
            pb::UpdateAgentRequest { agent_id: own_agent, data_source_id, ..Default::default() };
        api.agents.clone().update_agent(request).await.map(drop)
    })
    .await;

    assert_eq!(get(&harness.api(2), things[0].source).await.ok_response(), foreign);
    let schema = pb::GetSchemaRequest { data_source_id: things[0].source, agent_id: 0 };
    let schema = harness.api(2).sources.clone().get_schema(schema).await.ok_response();
    assert_eq!(schema.tables, []);
}
