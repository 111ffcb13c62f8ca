//! Requests that their senders may repeat: what their ids stand for.

use data_source::Sealer;
use prost::Message;
use sha2::{Digest as _, Sha256};
use storage::idempotency::Request;

use super::fields::Fields;

impl Fields {
    /// What a request with an id stands for: `message`, as it was sent.
    pub(super) fn request(
        &mut self,
        method: &'static str,
        message: &impl Message,
        request_id: &str,
    ) -> Option<Request> {
        let id = self.request_id("request_id", request_id)?;
        let digest = Sha256::digest(payload(method, message));
        Some(Request { id, method, payload_hashes: vec![digest.to_vec()] })
    }

    /// As [`request`](Fields::request), of a message with a password in it: nobody
    /// who sees the hash can try passwords on it.
    pub(super) fn secret_request(
        &mut self,
        method: &'static str,
        message: &impl Message,
        request_id: &str,
        sealer: &Sealer,
    ) -> Option<Request> {
        let id = self.request_id("request_id", request_id)?;
        let payload_hashes = sealer.digests(&payload(method, message));
        Some(Request { id, method, payload_hashes })
    }
}

fn payload(method: &str, message: &impl Message) -> Vec<u8> {
    let mut payload = format!("{method}\0").into_bytes();
    payload.extend(message.encode_to_vec());
    payload
}
