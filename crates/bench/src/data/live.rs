//! Users whose questions can be answered: made through the API, as anybody would.

use std::ops::RangeInclusive;

use anyhow::Context as _;
use proto::v1::{
    self as pb, agent_service_client::AgentServiceClient, create_data_source_request::Kind,
    data_source_service_client::DataSourceServiceClient, import_table_request::Part,
};

use crate::{clients::Clients, pair::Pair, setup::Setup};

/// As many as runs are in flight, so that none waits for another of its user.
pub(super) const USERS: i64 = 16;
/// What they ask about.
const TABLE: &str = "penguins";
const PENGUINS: &str = include_str!("../../../dev/demo/penguins.csv");

#[derive(Clone, Copy, Debug)]
pub(super) struct Live {
    pub(super) user_id: i64,
    pub(super) agent_id: i64,
}

/// Starts a pair for the time that it takes.
pub(super) async fn make(setup: &Setup, users: RangeInclusive<i64>) -> anyhow::Result<Vec<Live>> {
    let pair = Pair::start(setup, None).await?;
    let clients = Clients::connect(&pair.grpc, &setup.jwt_secret, users.clone()).await?;
    let mut live = Vec::new();
    for user_id in users {
        let agent_id = make_one(&clients, user_id).await.context("making users with data")?;
        live.push(Live { user_id, agent_id });
    }
    pair.stop().await?;
    Ok(live)
}

async fn make_one(clients: &Clients, user_id: i64) -> anyhow::Result<i64> {
    let mut sources = DataSourceServiceClient::new(clients.connection());
    let kind = Some(Kind::Dataset(pb::Dataset {}));
    let request =
        pb::CreateDataSourceRequest { name: "Penguins".into(), kind, ..Default::default() };
    let created = sources.create_data_source(clients.request(user_id, request)?).await?;
    let data_source_id = created.into_inner().data_source.context("no data source in it")?.id;

    let table_name = TABLE.to_owned();
    let table = pb::ImportedTable { data_source_id, table_name, ..Default::default() };
    let parts = [Part::Table(table), Part::Data(PENGUINS.into())];
    let parts = parts.map(|part| pb::ImportTableRequest { part: Some(part) });
    sources.import_table(clients.request(user_id, tokio_stream::iter(parts))?).await?;

    let name = "Penguins".to_owned();
    let request = pb::CreateAgentRequest { name, data_source_id, ..Default::default() };
    let mut agents = AgentServiceClient::new(clients.connection());
    let created = agents.create_agent(clients.request(user_id, request)?).await?;
    Ok(created.into_inner().agent.context("no agent in it")?.id)
}
