//! Between DataSourceService's wire types and ours.

use std::mem;

use data_source::{Probe, Sealer, dataset::Imported, is_readable_ca, source::SslMode};
use proto::v1::{self as pb, create_data_source_request::Kind as NewKind, data_source::Kind};
use storage::{
    DataSourceId, data_sources::Postgres, entity::data_source::Model, idempotency::Request,
    page::Page,
};

use super::schema::to_table;
use crate::{
    Error,
    data_sources::Access,
    grpc::{fields::Fields, page_token, time::to_timestamp},
};

const DEFAULT_PORT: u16 = 5432;
/// The longest name in DNS.
const MAX_HOST_BYTES: usize = 253;
/// The longest identifier in Postgres.
pub(super) const MAX_IDENTIFIER_BYTES: usize = 63;
const MAX_PASSWORD_CHARS: usize = 1_000;
const MAX_CA_BYTES: usize = 64 * 1024;
const DEFAULT_PER_PAGE: u32 = 20;
const MAX_PER_PAGE: u32 = 50;

pub(super) fn create_data_source(
    mut request: pb::CreateDataSourceRequest,
    sealer: &Sealer,
) -> Result<(Option<Request>, String, Option<Access>), Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.secret_request("CreateDataSource", &request, &request_id, sealer);
    let name = fields.name("name", &request.name);
    let access = match request.kind {
        Some(NewKind::Dataset(pb::Dataset {})) => None,
        Some(NewKind::Postgres(postgres)) => Some(access(&mut fields, postgres)),
        None => {
            fields.refuse("kind", "is required: dataset or postgres");
            None
        }
    };
    fields.check()?;
    Ok((repeatable, name, access))
}

/// A change of a data source that was asked for.
pub(super) struct UpdateDataSource {
    pub request: Option<Request>,
    pub id: DataSourceId,
    pub name: Option<String>,
    pub access: Option<Access>,
}

pub(super) fn update_data_source(
    mut request: pb::UpdateDataSourceRequest,
    sealer: &Sealer,
) -> Result<UpdateDataSource, Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.secret_request("UpdateDataSource", &request, &request_id, sealer);
    let id = fields.id("data_source_id", request.data_source_id, DataSourceId);
    let known = [("name", !request.name.is_empty()), ("postgres", request.postgres.is_some())];
    let mask = fields.mask(request.update_mask, &known);
    let name = mask.contains(&"name").then(|| fields.name("name", &request.name));
    let access = mask
        .contains(&"postgres")
        .then(|| access(&mut fields, request.postgres.unwrap_or_default()));
    fields.check()?;
    Ok(UpdateDataSource { request: repeatable, id, name, access })
}

pub(super) fn delete_data_source(
    mut request: pb::DeleteDataSourceRequest,
) -> Result<(Option<Request>, DataSourceId), Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request("DeleteDataSource", &request, &request_id);
    let id = fields.id("data_source_id", request.data_source_id, DataSourceId);
    fields.check()?;
    Ok((repeatable, id))
}

fn access(fields: &mut Fields, source: pb::PostgresSource) -> Access {
    let identifier = |fields: &mut Fields, field, value: &str| {
        if value.is_empty() {
            fields.refuse(field, "is required");
        }
        if MAX_IDENTIFIER_BYTES < value.len() {
            let problem = format!("must not have more than {MAX_IDENTIFIER_BYTES} bytes");
            fields.refuse(field, problem);
        }
        fields.no_nul(field, value);
    };
    identifier(fields, "postgres.database", &source.database);
    identifier(fields, "postgres.user", &source.user);
    host(fields, &source.host);
    let port = match u16::try_from(source.port) {
        Ok(0) => DEFAULT_PORT,
        Ok(port) => port,
        Err(_) => {
            fields.refuse("postgres.port", "must be from 1 to 65535, or 0 for 5432");
            DEFAULT_PORT
        }
    };
    if MAX_PASSWORD_CHARS < source.password.chars().count() {
        let problem = format!("must not have more than {MAX_PASSWORD_CHARS} characters");
        fields.refuse("postgres.password", problem);
    }
    fields.no_nul("postgres.password", &source.password);
    if MAX_CA_BYTES < source.ca_pem.len() {
        fields.refuse("postgres.ca_pem", format!("must not have more than {MAX_CA_BYTES} bytes"));
    } else if !source.ca_pem.is_empty() && !is_readable_ca(&source.ca_pem) {
        fields.refuse("postgres.ca_pem", "can't be read as PEM certificates");
    }
    let ssl_mode = match fields.choice("postgres.ssl_mode", source.ssl_mode) {
        None | Some(pb::SslMode::Unspecified | pb::SslMode::Prefer) => SslMode::Prefer,
        Some(pb::SslMode::Disable) => SslMode::Disable,
        Some(pb::SslMode::Require) => SslMode::Require,
        Some(pb::SslMode::VerifyCa) => SslMode::VerifyCa,
        Some(pb::SslMode::VerifyFull) => SslMode::VerifyFull,
    };
    Access {
        password: Some(source.password).filter(|password| !password.is_empty()),
        postgres: Postgres {
            host: source.host,
            port,
            database: source.database,
            username: source.user,
            ssl_mode: ssl_mode.to_string(),
            ca_pem: Some(source.ca_pem).filter(|pem| !pem.is_empty()),
        },
    }
}

fn host(fields: &mut Fields, host: &str) {
    if host.is_empty() {
        fields.refuse("postgres.host", "is required");
    }
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    if MAX_HOST_BYTES < host.len() || !host.chars().all(is_host) {
        fields.refuse("postgres.host", "must be a host name or an IP address");
    }
}

pub(super) fn data_source_id(value: i64) -> Result<DataSourceId, Error> {
    let mut fields = Fields::default();
    let id = fields.id("data_source_id", value, DataSourceId);
    fields.check()?;
    Ok(id)
}

/// A list of data sources that was asked for.
pub(super) struct ListDataSources {
    pub before: Option<DataSourceId>,
    pub per_page: u32,
}

pub(super) fn list_data_sources(
    request: &pb::ListDataSourcesRequest,
) -> Result<ListDataSources, Error> {
    let mut fields = Fields::default();
    let per_page = fields.per_page(request.per_page, DEFAULT_PER_PAGE, MAX_PER_PAGE);
    let before = fields.id_token(&request.page_token, fingerprint());
    fields.check()?;
    Ok(ListDataSources { before: before.map(DataSourceId), per_page })
}

pub(super) fn to_list_data_sources(
    list: &ListDataSources,
    page: Page<Model, DataSourceId>,
) -> pb::ListDataSourcesResponse {
    let next = page.next.map(|id| page_token::of_id(fingerprint(), id.0));
    let pagination = page_token::to_pagination(list.per_page, list.before.is_some(), next);
    let data_sources = page.items.into_iter().map(to_data_source).collect();
    pb::ListDataSourcesResponse { data_sources, pagination: Some(pagination) }
}

fn fingerprint() -> u64 {
    page_token::fingerprint("data_sources")
}

pub(super) fn to_data_source(source: Model) -> pb::DataSource {
    let kind = match source.postgres() {
        None => Kind::Dataset(pb::Dataset {}),
        Some(postgres) => Kind::Postgres(to_postgres(postgres)),
    };
    pb::DataSource {
        id: source.id.0,
        name: source.name,
        kind: Some(kind),
        created_at: Some(to_timestamp(source.created_at)),
        updated_at: Some(to_timestamp(source.updated_at)),
    }
}

fn to_postgres(postgres: Postgres) -> pb::PostgresSource {
    let ssl_mode = match postgres.ssl_mode.parse() {
        Ok(SslMode::Disable) => pb::SslMode::Disable,
        Ok(SslMode::Prefer) => pb::SslMode::Prefer,
        Ok(SslMode::Require) => pb::SslMode::Require,
        Ok(SslMode::VerifyCa) => pb::SslMode::VerifyCa,
        Ok(SslMode::VerifyFull) => pb::SslMode::VerifyFull,
        Err(_) => pb::SslMode::Unspecified,
    };
    pb::PostgresSource {
        host: postgres.host,
        port: postgres.port.into(),
        database: postgres.database,
        user: postgres.username,
        password: String::new(),
        ssl_mode: ssl_mode.into(),
        ca_pem: postgres.ca_pem.unwrap_or_default(),
    }
}

pub(super) fn to_test_data_source(probe: Probe) -> pb::TestDataSourceResponse {
    pb::TestDataSourceResponse {
        server_version: probe.server_version,
        latency_ms: i64::try_from(probe.latency.as_millis()).unwrap_or(i64::MAX),
        encrypted: probe.encrypted,
        superuser: probe.is_superuser,
        can_write: probe.can_write,
        write_privileges: probe.writable,
        readable_tables: i32::try_from(probe.tables).unwrap_or(i32::MAX),
    }
}

pub(super) fn to_import_table(imported: Imported) -> pb::ImportTableResponse {
    pb::ImportTableResponse {
        table: Some(to_table(imported.table)),
        row_count: i64::try_from(imported.row_count).unwrap_or(i64::MAX),
    }
}
