//! What a data source holds, on the wire.

use data_source::schema::{Column, ForeignKey, Table};
use proto::v1 as pb;
use sources::Snapshot;
use storage::{AgentId, DataSourceId};

use crate::{
    Error,
    grpc::{fields::Fields, time::to_timestamp},
};

pub(super) fn get_schema(
    request: &pb::GetSchemaRequest,
) -> Result<(DataSourceId, Option<AgentId>), Error> {
    let mut fields = Fields::default();
    let id = fields.id("data_source_id", request.data_source_id, DataSourceId);
    let agent_id = fields.optional_id("agent_id", request.agent_id, AgentId);
    fields.check()?;
    Ok((id, agent_id))
}

pub(super) fn to_get_schema(snapshot: Snapshot) -> pb::GetSchemaResponse {
    pb::GetSchemaResponse {
        tables: snapshot.schema.tables.into_iter().map(to_table).collect(),
        version: snapshot.version,
        read_at: Some(to_timestamp(snapshot.read_at)),
    }
}

pub(super) fn to_refresh_schema(snapshot: Snapshot) -> pb::RefreshSchemaResponse {
    let pb::GetSchemaResponse { tables, version, read_at } = to_get_schema(snapshot);
    pb::RefreshSchemaResponse { tables, version, read_at }
}

pub(super) fn to_table(table: Table) -> pb::Table {
    let columns = table.columns.into_iter().map(to_column).collect();
    pb::Table {
        schema: table.schema,
        name: table.name,
        columns,
        comment: table.comment.unwrap_or_default(),
        primary_key: table.primary_key,
        foreign_keys: table.foreign_keys.into_iter().map(to_foreign_key).collect(),
    }
}

fn to_column(column: Column) -> pb::Column {
    pb::Column {
        name: column.name,
        r#type: column.type_name,
        nullable: column.nullable,
        comment: column.comment.unwrap_or_default(),
        labels: column.labels,
        samples: column.samples,
    }
}

fn to_foreign_key(key: ForeignKey) -> pb::ForeignKey {
    pb::ForeignKey {
        columns: key.columns,
        schema: key.schema,
        table: key.table,
        referenced_columns: key.referenced,
    }
}
