//! Generated types for the wire contract: the gRPC API and the payloads on NATS.

pub mod v1 {
    tonic::include_proto!("tertulia.v1");

    /// The API, as the reflection service describes it.
    pub const FILE_DESCRIPTOR_SET: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/tertulia_v1.bin"));
}
