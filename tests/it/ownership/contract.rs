//! Which rpcs there are, and by which fields their requests name rows.

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto, ServiceDescriptorProto, field_descriptor_proto::Type,
};
use proto::v1::FILE_DESCRIPTOR_SET;

/// Fields that hold a whole number of 64 bits, and name no row by it.
const NUMBERS: [&str; 3] = [
    // Counts the events of the run that `run_id` names.
    "after_event_id",
    // Counts the messages of the session that `session_id` names.
    "after_sequence",
    "min_messages",
];
/// How the names of texts end that name rows.
const NAMING: [&str; 4] = ["id", "ids", "token", "tokens"];

/// An rpc as `Service/Method`, and a field's path in its requests.
pub(super) type Named = (String, String);

/// All rpcs of the contract, with the full names of their requests' types.
pub(super) fn rpcs() -> Vec<(String, String)> {
    let of_service = |service: ServiceDescriptorProto| {
        let describe = |rpc: &MethodDescriptorProto| {
            (format!("{}/{}", service.name(), rpc.name()), rpc.input_type().to_owned())
        };
        service.method.iter().map(describe).collect::<Vec<_>>()
    };
    files().flat_map(|file| file.service).flat_map(of_service).collect()
}

/// All fields of requests that name rows, at whatever depth.
pub(super) fn naming_fields() -> BTreeSet<Named> {
    let messages: Vec<DescriptorProto> = files().flat_map(|file| file.message_type).collect();
    let mut found = BTreeSet::new();
    for (rpc, request) in rpcs() {
        let mut paths = vec![(String::new(), request)];
        while let Some((path, message)) = paths.pop() {
            // Those of other packages name nothing of ours.
            let Some(name) = message.strip_prefix(".tertulia.v1.") else { continue };
            let message = messages.iter().find(|it| it.name() == name).expect("it is described");
            for field in &message.field {
                let place = format!("{path}{}", field.name());
                if field.r#type() == Type::Message {
                    assert!(place.split('.').count() < 10, "{rpc}: {place} holds itself");
                    paths.push((format!("{place}."), field.type_name().to_owned()));
                } else if names_a_row(field) {
                    found.insert((rpc.clone(), place));
                }
            }
        }
    }
    found
}

fn names_a_row(field: &FieldDescriptorProto) -> bool {
    let last_word = field.name().rsplit('_').next().expect("a name has a word");
    match field.r#type() {
        Type::Int64 | Type::Uint64 | Type::Sint64 | Type::Fixed64 | Type::Sfixed64 => {
            !NUMBERS.contains(&field.name())
        }
        Type::String | Type::Bytes => NAMING.contains(&last_word),
        _ => false,
    }
}

fn files() -> impl Iterator<Item = FileDescriptorProto> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("it was compiled");
    set.file.into_iter().filter(|file| file.package() == "tertulia.v1")
}
