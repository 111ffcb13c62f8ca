//! Listings, of whose answers no more is read than what there is to check: what a client makes
//! of an item is not the product's affair, and the machine that it is made on is the product's.

use bytes::Bytes;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic_prost::ProstCodec;

use super::Clients;

/// A response as listings have it, with its parts as they were sent.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Listed {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) items: Vec<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    pagination: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "3")]
    session_info: Option<Bytes>,
}

impl Clients {
    /// Makes a user's call to an rpc that lists.
    pub(crate) async fn list<M>(
        &self,
        user_id: i64,
        path: &'static str,
        message: M,
    ) -> anyhow::Result<Listed>
    where
        M: prost::Message + Send + Sync + 'static,
    {
        let mut grpc = Grpc::new(self.connection());
        grpc.ready().await?;
        let (request, path) = (self.request(user_id, message)?, PathAndQuery::from_static(path));
        Ok(grpc.unary(request, path, ProstCodec::default()).await?.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use proto::v1::{ListMessagesResponse, Message, Pagination, SessionInfo};

    use super::*;

    #[test]
    fn a_response_is_read_with_all_of_its_parts() {
        let response = ListMessagesResponse {
            messages: vec![Message { id: 1, ..Message::default() }, Message::default()],
            pagination: Some(Pagination { page: 1, ..Pagination::default() }),
            session_info: Some(SessionInfo { id: 2, ..SessionInfo::default() }),
        };

        let listed = Listed::decode(response.encode_to_vec().as_slice()).unwrap();

        assert_eq!(listed.items.len(), 2);
        assert_eq!(listed.encoded_len(), response.encoded_len());
    }
}
