//! Between DataSourceService's wire types and ours.

use std::fs::File;

use data_source::{
    dataset::Imported,
    is_readable_ca,
    schema::{Column, Table},
    source::SslMode,
};
use proto::v1::{
    self as pb, create_data_source_request::Kind as NewKind, data_source::Kind,
    import_table_request::Part,
};
use storage::{DataSourceId, data_sources::Postgres, entity::data_source::Model, page::Page};

use crate::{
    Error,
    data_sources::{Access, Upload},
    grpc::{fields::Fields, page_token, time::to_timestamp},
};

const DEFAULT_PORT: u16 = 5432;
/// The longest name in DNS.
const MAX_HOST_BYTES: usize = 253;
/// The longest identifier in Postgres.
const MAX_IDENTIFIER_BYTES: usize = 63;
const MAX_PASSWORD_CHARS: usize = 1_000;
const MAX_CA_BYTES: usize = 64 * 1024;
const MAX_NULL_MARKERS: usize = 20;
const MAX_MARKER_CHARS: usize = 100;
const DEFAULT_PER_PAGE: u32 = 20;
const MAX_PER_PAGE: u32 = 50;

pub(super) fn create_data_source(
    request: pb::CreateDataSourceRequest,
) -> Result<(String, Option<Access>), Error> {
    let mut fields = Fields::default();
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
    Ok((name, access))
}

pub(super) fn update_data_source(
    request: pb::UpdateDataSourceRequest,
) -> Result<(DataSourceId, Option<String>, Option<Access>), Error> {
    let mut fields = Fields::default();
    let id = fields.id("data_source_id", request.data_source_id, DataSourceId);
    let known = [("name", !request.name.is_empty()), ("postgres", request.postgres.is_some())];
    let mask = fields.mask(request.update_mask, &known);
    let name = mask.contains(&"name").then(|| fields.name("name", &request.name));
    let access = mask
        .contains(&"postgres")
        .then(|| access(&mut fields, request.postgres.unwrap_or_default()));
    fields.check()?;
    Ok((id, name, access))
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

/// What to make of a file that is still to be received.
pub(super) struct ImportTable {
    pub data_source_id: DataSourceId,
    table: String,
    delimiter: u8,
    null_markers: Vec<String>,
    replace: bool,
}

impl ImportTable {
    pub(super) fn with(self, file: File) -> Upload {
        let Self { data_source_id: _, table, delimiter, null_markers, replace } = self;
        Upload { table, delimiter, null_markers, replace, file }
    }
}

pub(super) fn import_table(first: Option<pb::ImportTableRequest>) -> Result<ImportTable, Error> {
    let Some(Part::Table(table)) = first.and_then(|first| first.part) else {
        return Err(Error::invalid("part", "must be table in the first message"));
    };
    let mut fields = Fields::default();
    let null_markers = match table.null_markers {
        None => vec![String::new(), "NA".to_owned()],
        Some(pb::NullMarkers { markers }) => markers,
    };
    if MAX_NULL_MARKERS < null_markers.len() {
        let problem = format!("must not have more than {MAX_NULL_MARKERS} entries");
        fields.refuse("table.null_markers", problem);
    }
    if null_markers.iter().any(|marker| MAX_MARKER_CHARS < marker.chars().count()) {
        let problem = format!("must not have more than {MAX_MARKER_CHARS} characters each");
        fields.refuse("table.null_markers", problem);
    }
    let import = ImportTable {
        data_source_id: fields.id("table.data_source_id", table.data_source_id, DataSourceId),
        delimiter: delimiter(&mut fields, &table.delimiter),
        table: table_name(&mut fields, table.table_name),
        null_markers,
        replace: table.replace,
    };
    fields.check()?;
    Ok(import)
}

fn delimiter(fields: &mut Fields, delimiter: &str) -> u8 {
    match *delimiter.as_bytes() {
        [] => b',',
        [byte] if byte.is_ascii() && !b"\"\r\n\0".contains(&byte) => byte,
        _ => {
            let problem = "must be one ASCII character, no quote and no line break";
            fields.refuse("table.delimiter", problem);
            b','
        }
    }
}

fn table_name(fields: &mut Fields, name: String) -> String {
    let is_first = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_other = |c: char| is_first(c) || c.is_ascii_digit();
    if !name.starts_with(is_first)
        || !name.chars().all(is_other)
        || MAX_IDENTIFIER_BYTES < name.len()
    {
        let problem =
            "must be 1 to 63 lower-case letters, digits and _, not beginning with a digit";
        fields.refuse("table.table_name", problem);
    }
    name
}

pub(super) fn to_import_table(imported: Imported) -> pb::ImportTableResponse {
    pb::ImportTableResponse {
        table: Some(to_table(imported.table)),
        row_count: i64::try_from(imported.row_count).unwrap_or(i64::MAX),
    }
}

pub(super) fn to_table(table: Table) -> pb::Table {
    let columns = table.columns.into_iter().map(to_column).collect();
    pb::Table { schema: table.schema, name: table.name, columns }
}

fn to_column(column: Column) -> pb::Column {
    pb::Column { name: column.name, r#type: column.type_name, nullable: column.nullable }
}
