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
    /// What whoever has no token is told.
    refusal: Refusal,
}

/// What is told instead of an answer, byte by byte.
pub(super) type Refusal = (Code, String, Vec<u8>);

impl Guarded {
    pub(super) async fn start(harness: &Harness, source: Source, rules: Rules, pace: Pace) -> Self {
        let verifier = Verifier::new(source, rules, pace).expect("the keys can be used");
        tokio::spawn(verifier.clone().refresh_keys());
        verifier.has_keys().await;
        let service = harness.service_behind(Door { verifier, ..door() }, settings()).await;
        let refusal = refused(&service, None).await.expect("there is no token");
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
        let found = self.refusal_of(Some(header)).await;
        if let Some(found) = &found {
            assert_eq!(found, &self.refusal, "{header}");
        }
        found.is_none()
    }

    /// What the header is refused with, if it is.
    pub(super) async fn refusal_of(&self, header: Option<&str>) -> Option<Refusal> {
        refused(&self.service, header).await
    }
}

async fn refused(service: &Service, header: Option<&str>) -> Option<Refusal> {
    let status = call(&service.channel(), RPC, header).await?;
    Some((status.code(), status.message().to_owned(), status.details().to_owned()))
}
