//! The ways to the product: a few connections, and a token for each user.

mod connection;
mod listed;

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use jsonwebtoken::{EncodingKey, Header};
use proto::v1::{
    run_service_client::RunServiceClient, session_service_client::SessionServiceClient,
};
use serde::Serialize;
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
};

pub(crate) use self::connection::Connection;

/// As many as a few backends have.
pub(crate) const CONNECTIONS: usize = 4;
const TTL_SECONDS: u64 = 24 * 60 * 60;

#[derive(Debug, Serialize)]
struct Claims {
    sub: String,
    iat: u64,
    exp: u64,
}

#[derive(Debug)]
pub(crate) struct Clients {
    connections: Vec<Connection>,
    next: AtomicUsize,
    tokens: HashMap<i64, MetadataValue<Ascii>>,
}

impl Clients {
    pub(crate) async fn connect(
        grpc: &str,
        jwt_secret: &str,
        users: impl IntoIterator<Item = i64>,
    ) -> anyhow::Result<Self> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(grpc).await?);
        }
        let key = EncodingKey::from_secret(jwt_secret.as_bytes());
        let tokens = users.into_iter().map(|user| Ok((user, bearer(&key, user)?)));
        let tokens = tokens.collect::<anyhow::Result<_>>()?;
        Ok(Self { connections, next: AtomicUsize::new(0), tokens })
    }

    /// A user's request.
    pub(crate) fn request<T>(&self, user_id: i64, message: T) -> anyhow::Result<Request<T>> {
        let token = self.tokens.get(&user_id).with_context(|| format!("no user {user_id}"))?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", token.clone());
        Ok(request)
    }

    pub(crate) fn sessions(&self) -> SessionServiceClient<Connection> {
        SessionServiceClient::new(self.connection())
    }

    pub(crate) fn runs(&self) -> RunServiceClient<Connection> {
        RunServiceClient::new(self.connection())
    }

    /// One after the other.
    pub(crate) fn connection(&self) -> Connection {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        self.connections[next % self.connections.len()].clone()
    }
}

fn bearer(key: &EncodingKey, user_id: i64) -> anyhow::Result<MetadataValue<Ascii>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = Claims { sub: user_id.to_string(), iat: now, exp: now + TTL_SECONDS };
    let token = jsonwebtoken::encode(&Header::default(), &claims, key)?;
    Ok(format!("Bearer {token}").parse()?)
}
