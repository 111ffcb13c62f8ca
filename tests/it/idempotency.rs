//! Requests that are sent again, in whatever form of haste: one effect each.

mod duplicates;
mod purge;
mod requests;
mod rpcs;

use std::collections::BTreeSet;

use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto, field_descriptor_proto::Type};
use proto::v1::FILE_DESCRIPTOR_SET;

use self::rpcs::RPCS;

/// Rpcs that change nothing that a repetition would change again.
const READING: [&str; 8] = ["Export", "Get", "List", "Refresh", "Search", "Test", "Wait", "Watch"];

fn name_of(type_name: &str) -> &str {
    type_name.rsplit_once('.').map_or(type_name, |(_, name)| name)
}

/// All rpcs, with whether a request of theirs has an id, at whatever depth.
fn all_rpcs() -> Vec<(String, bool)> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("it is one");
    let messages = || set.file.iter().flat_map(|file| &file.message_type);
    let has_id = |request: &str| {
        let (mut seen, mut names) = (BTreeSet::new(), vec![request.to_owned()]);
        while let Some(name) = names.pop() {
            let message = messages().find(|it| it.name() == name_of(&name));
            let Some(message) = message.filter(|_| seen.insert(name.clone())) else { continue };
            if message.field.iter().any(|field| field.name() == "request_id") {
                return true;
            }
            let nested = message.field.iter().filter(|field| field.r#type() == Type::Message);
            names.extend(nested.map(|field| field.type_name().to_owned()));
        }
        false
    };
    let ours = set.file.iter().filter(|file| file.package() == "tertulia.v1");
    let methods = ours.flat_map(|file| &file.service).flat_map(|service| &service.method);
    let describe = |it: &MethodDescriptorProto| (it.name().to_owned(), has_id(it.input_type()));
    methods.map(describe).collect()
}

#[test]
fn every_rpc_that_changes_something_takes_an_id_and_is_tried_here() {
    let mut tried: BTreeSet<&str> = RPCS.iter().map(|(name, _)| *name).collect();
    // It says nothing but its id, and is tried by itself.
    tried.insert(storage::user_data::METHOD);
    let all = all_rpcs();

    assert!(20 < all.len(), "{all:?}");
    for (name, has_id) in &all {
        let is_reading = READING.iter().any(|prefix| name.starts_with(prefix));
        assert_eq!(*has_id, !is_reading, "{name}");
        assert_eq!(tried.contains(name.as_str()), *has_id, "{name}");
    }
}
