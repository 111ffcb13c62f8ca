//! By which fields requests name rows.

use std::collections::BTreeSet;

use prost_types::{DescriptorProto, field_descriptor_proto::Type};

use crate::harness::described;

/// Fields of requests that name no row, though an id or a token would have their type.
const NAMELESS: &[(&str, &[&str])] = &[
    ("AgentService/CreateAgent", &["name", "model", "instructions", "table_allow_list"]),
    ("AgentService/UpdateAgent", &["name", "model", "instructions", "table_allow_list"]),
    ("DataSourceService/CreateDataSource", &["name"]),
    ("DataSourceService/CreateDataSource", WAY),
    (
        "DataSourceService/ImportTable",
        &["data", "table.delimiter", "table.null_markers.markers", "table.table_name"],
    ),
    ("DataSourceService/UpdateDataSource", &["name"]),
    ("DataSourceService/UpdateDataSource", WAY),
    ("RunService/CancelRun", &["reason"]),
    ("RunService/StartRun", &["question"]),
    // Counts the events of the run that `run_id` names.
    ("RunService/WatchRun", &["after_event_id"]),
    ("SessionService/CreateSession", &["title"]),
    // Counts the messages of the session that `session_id` names.
    ("SessionService/ListMessages", &["after_sequence"]),
    ("SessionService/ListSessions", &["search", "min_messages"]),
    ("SessionService/SearchMessages", &["query"]),
    // A version of the session that `session_id` names.
    ("SessionService/UpdateSession", &["title", "etag"]),
    // It names a deletion; tried in user_data::receipts.
    ("UserDataService/DeleteUserData", &["request_id"]),
];
/// To a database; none of it is ours.
const WAY: &[&str] = &[
    "postgres.host",
    "postgres.database",
    "postgres.user",
    "postgres.password",
    "postgres.ca_pem",
];

/// An rpc as `Service/Method`, and a field's path in its requests.
pub(super) type Named = (String, String);

/// All fields of requests that name rows, at whatever depth.
pub(super) fn naming_fields() -> BTreeSet<Named> {
    let (mut fields, nameless) = (wide_fields(), nameless());
    let unknown: Vec<_> = nameless.difference(&fields).collect();
    assert!(unknown.is_empty(), "no such fields, or none that could name a row: {unknown:?}");
    fields.retain(|field| !nameless.contains(field));
    fields
}

fn nameless() -> BTreeSet<Named> {
    let of_rpc = |(rpc, fields): &(&str, &'static [&str])| {
        let rpc = (*rpc).to_owned();
        fields.iter().map(move |field| (rpc.clone(), (*field).to_owned()))
    };
    NAMELESS.iter().flat_map(of_rpc).collect()
}

/// All fields of requests with room for what names a row.
fn wide_fields() -> BTreeSet<Named> {
    let messages: Vec<DescriptorProto> =
        described::files().flat_map(|file| file.message_type).collect();
    let mut found = BTreeSet::new();
    for (rpc, method) in described::rpcs() {
        let mut paths = vec![(String::new(), method.input_type().to_owned())];
        while let Some((path, message)) = paths.pop() {
            // Those of other packages name nothing of ours.
            let Some(name) = message.strip_prefix(".tertulia.v1.") else { continue };
            let message = messages.iter().find(|it| it.name() == name).expect("it is described");
            for field in &message.field {
                let place = format!("{path}{}", field.name());
                if field.r#type() == Type::Message {
                    assert!(place.split('.').count() < 10, "{rpc}: {place} holds itself");
                    paths.push((format!("{place}."), field.type_name().to_owned()));
                } else if is_wide(field.r#type()) {
                    found.insert((rpc.clone(), place));
                }
            }
        }
    }
    found
}

fn is_wide(r#type: Type) -> bool {
    matches!(
        r#type,
        Type::Int64
            | Type::Uint64
            | Type::Sint64
            | Type::Fixed64
            | Type::Sfixed64
            | Type::String
            | Type::Bytes
    )
}
