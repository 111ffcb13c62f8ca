//! Calls whose token ends before they do.

use std::time::Duration;

use jsonwebtoken::Algorithm;
use proto::v1::{self as pb, import_table_request::Part};
use serde_json::json;
use session_service::auth::{Pace, Rules, Source};
use tempfile::TempDir;
use tokio::time;
use tokio_stream::StreamExt as _;
use tonic::{Code, Status};

use super::{
    guarded::Guarded,
    kinds::file,
    signer::{Signer, jwks},
};
use crate::harness::{Api, Expect as _, Harness};

/// A service whose tokens end when they say so, and its issuer.
struct Strict {
    guarded: Guarded,
    signer: Signer,
    _folder: TempDir,
}

impl Strict {
    async fn start(harness: &Harness) -> Self {
        let signer = Signer::new("key", Algorithm::EdDSA);
        let (folder, set) = file(&jwks(&[&signer]));
        let rules = Rules { leeway: Duration::ZERO, ..Rules::default() };
        let source = Source::JwksFile(set);
        let guarded = Guarded::start(harness, source, rules, Pace::default()).await;
        Self { guarded, signer, _folder: folder }
    }

    /// User 1, with a token that ends in more than `seconds`, and less than one more.
    fn user_for(&self, seconds: i64) -> (Api, i64) {
        let exp = chrono::Utc::now().timestamp() + seconds + 1;
        let token = self.signer.sign(&json!({ "sub": "1", "exp": exp }));
        (self.guarded.service.api_with(token), exp * 1000)
    }
}

/// The call must have ended when its token did.
#[track_caller]
fn check_ended(status: Status, expired_at_ms: i64) {
    let late_ms = chrono::Utc::now().timestamp_millis() - expired_at_ms;
    assert!((-50..2000).contains(&late_ms), "{late_ms} ms late");
    Err::<tonic::Response<()>, _>(status).refused(Code::Unauthenticated, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_watch_ends_when_its_token_does() {
    let harness = Harness::without_worker().await;
    let strict = Strict::start(&harness).await;
    let user = harness.api(1);
    let session = user.session(user.agent().await, "Session").await;
    let run = user.start(session.id, "How long?").await;
    let (short, expired_at_ms) = strict.user_for(2);

    let watch = short.watch(run.id, 0).await;
    let (_, status) = watch.broken().await;

    check_ended(status, expired_at_ms);
    let request = pb::GetSessionRequest { session_id: session.id };
    let outcome = short.sessions.clone().get_session(request).await;
    outcome.refused(Code::Unauthenticated, "UNAUTHENTICATED");
    assert_eq!(user.get_session(session.id).await.id, session.id);
}

#[tokio::test]
async fn a_wait_for_a_run_ends_when_its_token_does() {
    let harness = Harness::without_worker().await;
    let strict = Strict::start(&harness).await;
    let user = harness.api(1);
    let session = user.session(user.agent().await, "Session").await;
    let run_id = user.start(session.id, "How long?").await.id;
    let (short, expired_at_ms) = strict.user_for(2);

    let timeout = Some(prost_types::Duration { seconds: 30, nanos: 0 });
    let request = pb::WaitRunRequest { run_id, timeout };
    let status = short.runs.clone().wait_run(request).await.unwrap_err();

    check_ended(status, expired_at_ms);
}

#[tokio::test]
async fn an_upload_ends_when_its_token_does_and_leaves_nothing() {
    let harness = Harness::without_worker().await;
    let strict = Strict::start(&harness).await;
    let user = harness.api(1);
    let data_source_id = user.dataset().await;
    let (short, expired_at_ms) = strict.user_for(2);
    let table_name = "slow".to_owned();
    let table = pb::ImportedTable { data_source_id, table_name, ..Default::default() };
    let part = |part| pb::ImportTableRequest { part: Some(part) };
    let head = [part(Part::Table(table)), part(Part::Data("a,b\n1,2\n".into()))];
    let more = tokio_stream::iter(1..)
        .map(move |row| part(Part::Data(format!("{row},{row}\n").into_bytes().into())))
        .throttle(Duration::from_millis(100));

    let upload = tokio_stream::iter(head).chain(more);
    let mut sources = short.sources.clone();
    let imported = time::timeout(Duration::from_secs(20), sources.import_table(upload)).await;
    let status = imported.unwrap().unwrap_err();

    check_ended(status, expired_at_ms);
    let imported = user.import(data_source_id, "slow", "a\n1\n").await;
    assert_eq!(imported.unwrap().row_count, 1);
}

#[tokio::test]
async fn a_token_is_good_for_the_leeway_longer_and_no_longer() {
    let harness = Harness::without_worker().await;
    let signer = Signer::new("key", Algorithm::EdDSA);
    let (_folder, set) = file(&jwks(&[&signer]));
    let rules = Rules { leeway: Duration::from_secs(30), ..Rules::default() };
    let service = Guarded::start(&harness, Source::JwksFile(set), rules, Pace::default()).await;
    let now = chrono::Utc::now().timestamp();
    let ends = |exp| signer.sign(&json!({ "sub": "1", "exp": exp }));
    let begins = |nbf| signer.sign(&json!({ "sub": "1", "exp": super::LATER, "nbf": nbf }));

    assert!(service.lets_in(&ends(now - 20)).await);
    // The library alone would take it for a second more.
    assert!(!service.lets_in(&ends(now - 30)).await);
    assert!(service.lets_in(&begins(now + 20)).await);
    assert!(!service.lets_in(&begins(now + 60)).await);
}
