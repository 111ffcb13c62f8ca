use proto::v1::{self as pb, create_data_source_request::Kind};

use super::{Meter, Stage};
use crate::harness::{Expect as _, mask};

pub(super) async fn make(stage: &Stage, meter: &mut impl Meter) {
    let mut sources = stage.api.sources.clone();
    let kind = Some(Kind::Dataset(pb::Dataset {}));
    let request =
        pb::CreateDataSourceRequest { name: "Data".to_owned(), kind, ..Default::default() };
    let created = sources.create_data_source(request);
    let created = meter.of("DataSourceService/CreateDataSource", created).await.ok_response();
    let data_source_id = created.data_source.expect("it was created").id;
    let imported = stage.api.import(data_source_id, "numbers", "n\n1\n2\n");
    meter.of("DataSourceService/ImportTable", imported).await.expect("it is imported");
    read(stage, data_source_id, meter).await;

    let request = pb::UpdateDataSourceRequest {
        data_source_id,
        name: "Others".to_owned(),
        update_mask: mask(&["name"]),
        ..Default::default()
    };
    let call = sources.update_data_source(request);
    meter.of("DataSourceService/UpdateDataSource", call).await.ok_response();
    let request = pb::DeleteDataSourceRequest { data_source_id, ..Default::default() };
    let call = sources.delete_data_source(request);
    meter.of("DataSourceService/DeleteDataSource", call).await.ok_response();
}

pub(super) async fn read(Stage { api, .. }: &Stage, data_source_id: i64, meter: &mut impl Meter) {
    let mut sources = api.sources.clone();
    let request = pb::GetDataSourceRequest { data_source_id };
    let call = sources.get_data_source(request);
    meter.of("DataSourceService/GetDataSource", call).await.ok_response();
    let request = pb::ListDataSourcesRequest { per_page: 1, ..Default::default() };
    let call = sources.list_data_sources(request);
    meter.of("DataSourceService/ListDataSources", call).await.ok_response();
    let request = pb::TestDataSourceRequest { data_source_id, ..Default::default() };
    let call = sources.test_data_source(request);
    meter.of("DataSourceService/TestDataSource", call).await.ok_response();
    let request = pb::GetSchemaRequest { data_source_id, ..Default::default() };
    meter.of("DataSourceService/GetSchema", sources.get_schema(request)).await.ok_response();
    let request = pb::RefreshSchemaRequest { data_source_id };
    let call = sources.refresh_schema(request);
    meter.of("DataSourceService/RefreshSchema", call).await.ok_response();
}
