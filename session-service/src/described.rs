//! The methods that a contract describes, and how gRPC's documents name what comes of calling them.

use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::Code;

/// By their numbers.
pub(crate) const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

pub(crate) fn code(code: Code) -> &'static str {
    CODES[code as usize]
}

#[derive(Clone, Debug)]
pub(crate) struct Method {
    /// With its package.
    pub(crate) service: String,
    pub(crate) method: String,
    /// Whether its request is a stream.
    pub(crate) is_streamed: bool,
}

impl Method {
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.service, self.method)
    }

    pub(crate) fn path(&self) -> String {
        format!("/{}", self.name())
    }
}

/// All methods in a set of descriptors that was encoded by a build.
pub(crate) fn methods(descriptor_set: &[u8]) -> Vec<Method> {
    let set = FileDescriptorSet::decode(descriptor_set).expect("it was encoded by a build");
    let services = set.file.iter().flat_map(|file| {
        file.service.iter().map(|service| (file.package(), service.name(), &service.method))
    });
    let methods = services.flat_map(|(package, service, methods)| {
        methods.iter().map(move |method| Method {
            service: format!("{package}.{service}"),
            method: method.name().to_owned(),
            is_streamed: method.client_streaming(),
        })
    });
    methods.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_the_order_of_their_numbers() {
        for (number, name) in (0..).zip(CODES) {
            let code = format!("{:?}", Code::from_i32(number)).to_uppercase();
            assert_eq!(name.replace('_', ""), code);
        }
    }
}
