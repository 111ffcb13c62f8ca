//! A service that verifies tokens as a test says.

use session_service::{
    auth::{Pace, Rules, Source, Verifier},
    door::Door,
};
use tonic::Code;

use super::call;
use crate::harness::{Harness, Service, door, settings};

const RPC: &str = "/tertulia.v1.SessionService/ListSessions";

pub(super) struct Guarded {
    pub service: Service,
    /// What whoever has no token is told, byte by byte.
    refusal: (Code, String, Vec<u8>),
}

impl Guarded {
    pub(super) async fn start(harness: &Harness, source: Source, rules: Rules, pace: Pace) -> Self {
        let verifier = Verifier::new(source, rules, pace).expect("the keys can be used");
        tokio::spawn(verifier.clone().refresh_keys());
        verifier.has_keys().await;
        let service = harness.service_behind(Door { verifier, ..door() }, settings()).await;
        let refusal = refusal(&service, None).await.expect("there is no token");
        assert_eq!(refusal.0, Code::Unauthenticated);
        Self { service, refusal }
    }

    /// One that asks an issuer, or looks into a file, and keeps to the usual rules.
    pub(super) async fn with(harness: &Harness, source: Source) -> Self {
        Self::start(harness, source, Rules::default(), Pace::default()).await
    }

    /// Whether the token lets in. If it does not, nothing says why.
    pub(super) async fn lets_in(&self, token: &str) -> bool {
        self.lets_in_with(&format!("Bearer {token}")).await
    }

    pub(super) async fn lets_in_with(&self, header: &str) -> bool {
        let found = refusal(&self.service, Some(header)).await;
        if let Some(found) = &found {
            assert_eq!(found, &self.refusal, "{header}");
        }
        found.is_none()
    }
}

async fn refusal(service: &Service, header: Option<&str>) -> Option<(Code, String, Vec<u8>)> {
    let status = call(&service.channel(), RPC, header).await?;
    Some((status.code(), status.message().to_owned(), status.details().to_owned()))
}
