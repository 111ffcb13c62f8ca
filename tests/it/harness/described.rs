//! The contract, as it describes itself.

use prost::Message as _;
use prost_types::{
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};
use proto::v1::FILE_DESCRIPTOR_SET;

pub(crate) fn files() -> impl Iterator<Item = FileDescriptorProto> {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("it was compiled");
    set.file.into_iter().filter(|file| file.package() == "tertulia.v1")
}

pub(crate) fn services() -> impl Iterator<Item = ServiceDescriptorProto> {
    files().flat_map(|file| file.service)
}

/// All rpcs, each with its name as `Service/Method`.
pub(crate) fn rpcs() -> impl Iterator<Item = (String, MethodDescriptorProto)> {
    services().flat_map(|service| {
        let name = service.name().to_owned();
        service.method.into_iter().map(move |rpc| (format!("{name}/{}", rpc.name()), rpc))
    })
}
