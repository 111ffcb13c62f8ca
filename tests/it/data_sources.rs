//! DataSourceService, as its callers see it.

mod import;
mod import_requests;
mod lifecycle;
mod passwords;
mod refresh;
mod reseal;
mod schema;
mod test;

use proto::v1::{self as pb, create_data_source_request::Kind as NewKind, data_source::Kind};
use tonic::{Response, Status};

use crate::harness::{Api, Expect as _, OtherDatabase, superuser_in};

/// In no error, no log and no response.
const PASSWORD: &str = "s3cret & 'quoted' / ÿ";

/// The way to a database that is never contacted.
fn sales() -> pb::PostgresSource {
    pb::PostgresSource {
        host: "db.example.org".to_owned(),
        port: 6432,
        database: "sales".to_owned(),
        user: "reader".to_owned(),
        password: PASSWORD.to_owned(),
        ssl_mode: pb::SslMode::VerifyFull.into(),
        ca_pem: include_str!("data_sources/authority.pem").to_owned(),
    }
}

async fn create(api: &Api, kind: impl Into<Option<NewKind>>) -> pb::DataSource {
    let request = pb::CreateDataSourceRequest {
        name: "Data".to_owned(),
        kind: kind.into(),
        ..Default::default()
    };
    let response = api.sources.clone().create_data_source(request).await.ok_response();
    response.data_source.expect("it was created")
}

async fn create_postgres(api: &Api, postgres: pb::PostgresSource) -> pb::DataSource {
    create(api, NewKind::Postgres(postgres)).await
}

async fn get(api: &Api, id: i64) -> Result<pb::DataSource, Status> {
    let request = pb::GetDataSourceRequest { data_source_id: id };
    let response = api.sources.clone().get_data_source(request).await?.into_inner();
    Ok(response.data_source.expect("it is there"))
}

/// Changes what the request sets.
async fn update(
    api: &Api,
    request: pb::UpdateDataSourceRequest,
) -> Result<Response<pb::UpdateDataSourceResponse>, Status> {
    api.sources.clone().update_data_source(request).await
}

/// Changes the way to a database.
async fn redirect(
    api: &Api,
    id: i64,
    postgres: pb::PostgresSource,
) -> Result<Response<pb::UpdateDataSourceResponse>, Status> {
    let postgres = Some(postgres);
    update(api, pb::UpdateDataSourceRequest { data_source_id: id, postgres, ..Default::default() })
        .await
}

async fn delete(api: &Api, id: i64) -> Result<Response<pb::DeleteDataSourceResponse>, Status> {
    let request = pb::DeleteDataSourceRequest { data_source_id: id, ..Default::default() };
    api.sources.clone().delete_data_source(request).await
}

async fn get_schema(api: &Api, id: i64) -> Result<Response<pb::GetSchemaResponse>, Status> {
    let request = pb::GetSchemaRequest { data_source_id: id, agent_id: 0 };
    api.sources.clone().get_schema(request).await
}

async fn refresh_schema(api: &Api, id: i64) -> Result<Response<pb::RefreshSchemaResponse>, Status> {
    let request = pb::RefreshSchemaRequest { data_source_id: id };
    api.sources.clone().refresh_schema(request).await
}

async fn test(
    api: &Api,
    id: i64,
    allow_superuser: bool,
) -> Result<Response<pb::TestDataSourceResponse>, Status> {
    let request = pb::TestDataSourceRequest { data_source_id: id, allow_superuser };
    api.sources.clone().test_data_source(request).await
}

/// The tables' columns and their types.
fn columns(table: &pb::Table) -> Vec<(&str, &str)> {
    table.columns.iter().map(|it| (it.name.as_str(), it.r#type.as_str())).collect()
}

fn postgres_of(source: &pb::DataSource) -> &pb::PostgresSource {
    match &source.kind {
        Some(Kind::Postgres(postgres)) => postgres,
        other => panic!("not a Postgres source: {other:?}"),
    }
}
