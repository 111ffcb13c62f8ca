//! Deleted agents and data sources.

use proto::v1 as pb;
use storage::retention;
use tonic::Code;

use super::PIECE;
use crate::harness::{Api, Expect as _, Harness, eventually};

async fn delete_agent(api: &Api, agent_id: i64) {
    let request = pb::DeleteAgentRequest { agent_id, ..Default::default() };
    api.agents.clone().delete_agent(request).await.ok_response();
}

async fn delete_source(api: &Api, data_source_id: i64) {
    let request = pb::DeleteDataSourceRequest { data_source_id, ..Default::default() };
    api.sources.clone().delete_data_source(request).await.ok_response();
}

#[tokio::test]
async fn a_deleted_agent_is_known_as_such_for_a_month_and_as_long_as_it_has_conversations() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let [idle, busy] = [api.agent().await, api.agent().await];
    let session = api.session(busy, "").await;
    api.ask(session.id, "SELECT 1").await;
    for agent in [idle, busy] {
        delete_agent(&api, agent).await;
    }
    let start = async |agent_id| {
        let question = "SELECT 1".to_owned();
        let request = pb::StartRunRequest { agent_id, question, ..Default::default() };
        api.runs.clone().start_run(request).await
    };

    harness.age("29 days").await;
    let too_early = retention::purge_agents(&harness.db, PIECE).await.unwrap();
    start(idle).await.refused(Code::FailedPrecondition, "AGENT_DELETED");
    harness.age("2 days").await;
    let first = retention::purge_agents(&harness.db, PIECE).await.unwrap();
    start(idle).await.refused(Code::NotFound, "AGENT_NOT_FOUND");
    start(busy).await.refused(Code::FailedPrecondition, "AGENT_DELETED");
    api.delete_session(session.id).await;
    harness.age("31 days").await;
    harness.purge_sessions().await;
    let last = retention::purge_agents(&harness.db, PIECE).await.unwrap();

    assert_eq!((too_early, first, last), (0, 1, 1));
}

#[tokio::test]
async fn a_deleted_data_source_goes_once_its_tables_are_dropped_and_no_agent_names_it() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let dataset = api.dataset().await;
    let agent = api.agent_on(dataset).await;
    delete_agent(&api, agent).await;
    delete_source(&api, dataset).await;
    eventually("its tables being dropped", async || {
        let sql = "SELECT count(*) FROM data_sources WHERE drop_at IS NOT NULL";
        (harness.number(sql).await == 0).then_some(())
    })
    .await;

    let purge = async || retention::purge_data_sources(&harness.db, PIECE).await.unwrap();
    harness.age("2 days").await;
    let while_named = purge().await;
    harness.age("30 days").await;
    retention::purge_agents(&harness.db, PIECE).await.unwrap();
    harness.execute("UPDATE data_sources SET drop_at = now() + interval '1 hour'").await;
    let while_not_dropped = purge().await;
    harness.execute("UPDATE data_sources SET drop_at = NULL").await;

    assert_eq!((while_named, while_not_dropped, purge().await), (0, 0, 1));
    assert_eq!(harness.count("data_sources").await, 0);
}

#[tokio::test]
async fn what_is_not_deleted_stays() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent = api.agent().await;
    harness.execute("UPDATE agents SET created_at = 'epoch'").await;

    let agents = retention::purge_agents(&harness.db, PIECE).await.unwrap();
    let sources = retention::purge_data_sources(&harness.db, PIECE).await.unwrap();

    assert_eq!((agents, sources), (0, 0));
    api.session(agent, "").await;
}
