//! DataSourceService.

use proto::v1::{self as pb, create_data_source_request::Kind, import_table_request::Part};

use super::{Cell, Sent, sent};
use crate::ownership::{
    things::{Things, table, way},
    wire::Answer,
};

const CREATE: &str = "DataSourceService/CreateDataSource";
const GET: &str = "DataSourceService/GetDataSource";
const LIST: &str = "DataSourceService/ListDataSources";
const UPDATE: &str = "DataSourceService/UpdateDataSource";
const DELETE: &str = "DataSourceService/DeleteDataSource";
const TEST: &str = "DataSourceService/TestDataSource";
const GET_SCHEMA: &str = "DataSourceService/GetSchema";
const REFRESH_SCHEMA: &str = "DataSourceService/RefreshSchema";
const IMPORT: &str = "DataSourceService/ImportTable";

const NO_AGENT: &str = "AGENT_NOT_FOUND";
const NO_SOURCE: &str = "DATA_SOURCE_NOT_FOUND";

pub(super) fn cells() -> Vec<Cell> {
    stored().into_iter().chain(contacted()).chain([creating()]).collect()
}

fn stored() -> Vec<Cell> {
    vec![
        Cell::new(GET, "data_source_id", NO_SOURCE, |_, it| {
            both(it, |data_source_id| sent(pb::GetDataSourceRequest { data_source_id }))
        }),
        Cell::new(LIST, "page_token", "OK", |_, it| {
            let page_token = it.tokens.sources.clone();
            vec![sent(pb::ListDataSourcesRequest { page_token, ..Default::default() })]
        }),
        Cell::new(UPDATE, "data_source_id", NO_SOURCE, |_, it| {
            let names = both(it, |id| sent(update(id, "", None)));
            let ways = both(it, |id| sent(update(id, "", Some(way()))));
            [names, ways].concat()
        }),
        Cell::request_id(UPDATE, NO_SOURCE, |_, it| {
            vec![sent(update(i64::MAX, &it.request_id, None))]
        }),
        Cell::new(DELETE, "data_source_id", NO_SOURCE, |_, it| both(it, |id| sent(delete(id, "")))),
        Cell::request_id(DELETE, NO_SOURCE, |_, it| vec![sent(delete(i64::MAX, &it.request_id))]),
    ]
}

fn contacted() -> Vec<Cell> {
    vec![
        Cell::new(TEST, "data_source_id", NO_SOURCE, |_, it| {
            [false, true].into_iter().flat_map(|allow| both(it, |id| test(id, allow))).collect()
        }),
        Cell::new(GET_SCHEMA, "data_source_id", NO_SOURCE, |own, it| {
            let agents = [0, own.agent, it.agent].into_iter();
            agents.flat_map(|agent| both(it, |id| schema(id, agent))).collect()
        }),
        Cell::new(GET_SCHEMA, "agent_id", NO_AGENT, |own, it| both(own, |id| schema(id, it.agent))),
        Cell::new(REFRESH_SCHEMA, "data_source_id", NO_SOURCE, |_, it| {
            both(it, |data_source_id| sent(pb::RefreshSchemaRequest { data_source_id }))
        }),
        Cell::new(IMPORT, "table.data_source_id", NO_SOURCE, |_, it| {
            // The second is the very request that its owner has sent.
            ["", &it.request_id].into_iter().flat_map(|request| imports(it, request)).collect()
        }),
        // Each data set knows its own requests, and this one none of those of another.
        Cell::new(IMPORT, "table.request_id", "OK", |own, it| {
            let replaced =
                pb::ImportedTable { replace: true, ..table(own.dataset, &it.request_id) };
            vec![import(replaced)]
        }),
    ]
}

/// The last one: it makes something.
fn creating() -> Cell {
    let creating = Cell::request_id(CREATE, "OK", |_, it| {
        let (name, kind) = ("mine".to_owned(), Some(Kind::Dataset(pb::Dataset {})));
        let request_id = it.request_id.clone();
        vec![sent(pb::CreateDataSourceRequest { name, kind, request_id })]
    });
    Cell { comparable: without_id_and_times, ..creating }
}

fn without_id_and_times(answer: Answer) -> Answer {
    if answer.outcome() != "OK" {
        return answer;
    }
    let made = answer.message::<pb::CreateDataSourceResponse>();
    let made = made.data_source.expect("it was created");
    let source = pb::DataSource { id: 0, created_at: None, updated_at: None, ..made };
    answer.with(&pb::CreateDataSourceResponse { data_source: Some(source) })
}

/// For each kind of data source.
fn both(it: &Things, request: impl Fn(i64) -> Sent) -> Vec<Sent> {
    [it.dataset, it.database].map(request).into()
}

fn update(
    data_source_id: i64,
    request_id: &str,
    postgres: Option<pb::PostgresSource>,
) -> pb::UpdateDataSourceRequest {
    let [name, request_id] = ["mine", request_id].map(str::to_owned);
    let update_mask = None;
    pb::UpdateDataSourceRequest { data_source_id, name, postgres, update_mask, request_id }
}

fn delete(data_source_id: i64, request_id: &str) -> pb::DeleteDataSourceRequest {
    pb::DeleteDataSourceRequest { data_source_id, request_id: request_id.to_owned() }
}

fn test(data_source_id: i64, allow_superuser: bool) -> Sent {
    sent(pb::TestDataSourceRequest { data_source_id, allow_superuser })
}

fn schema(data_source_id: i64, agent_id: i64) -> Sent {
    sent(pb::GetSchemaRequest { data_source_id, agent_id })
}

fn imports(it: &Things, request_id: &str) -> Vec<Sent> {
    both(it, |id| import(table(id, request_id)))
}

fn import(table: pb::ImportedTable) -> Sent {
    let part = |part| pb::ImportTableRequest { part: Some(part) };
    let data = Part::Data(b"n\n1\n".as_slice().into());
    [part(Part::Table(table)), part(data)].into_iter().flat_map(sent).collect()
}
