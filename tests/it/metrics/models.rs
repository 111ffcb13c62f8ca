//! Calls of models, as their providers' operators see them.

use std::time::Duration;

use data_source::Schema;
use model::{BreakerPacing, Models, Pacing, Prompt};
use serde_json::json;

use super::{Shown, alone};
use crate::harness::{ModelServer, Reply};

const CALLS: &str = "tertulia_model_calls_total";
const OPEN: &str = "tertulia_model_circuit_open";

fn models(server: &ModelServer) -> Models {
    let pacing = Pacing {
        tries: 1,
        breaker: BreakerPacing {
            failures: 2,
            pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(1),
            silence: Duration::from_secs(1),
        },
        ..Pacing::default()
    };
    let provider =
        json!({ "name": "test", "base_url": server.base_url(), "models": ["family/chat"] });
    Models::from_config_at_pace(&json!([provider]).to_string(), pacing).expect("it is good")
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_seen_to_be_left_alone_until_it_answers() {
    let test =
        "metrics::models::a_provider_that_keeps_failing_is_seen_to_be_left_alone_until_it_answers";
    alone(test, async || {
        let shown = Shown::install();
        let server =
            ModelServer::start([Reply::fails(500), Reply::fails(500), Reply::says(&["SELECT 1"])])
                .await;
        let models = models(&server);
        let of_test = ("provider", "test");
        assert_eq!(shown.sum(CALLS, &[of_test, ("model", "family/chat")]), 0.0);
        assert_eq!(shown.sum(OPEN, &[of_test]), 0.0);

        let model = models.get("test/family/chat").expect("it is configured");
        let prompt = Prompt {
            question: "well?",
            instructions: "",
            schema: &Schema::default(),
            summary: "",
            related: &[],
            recent: &[],
            tried: &[],
        };
        for _ in 0..2 {
            model.plan(&prompt).await.unwrap_err();
        }
        assert_eq!(shown.sum(OPEN, &[of_test]), 1.0);
        tokio::time::sleep(Duration::from_millis(60)).await;
        model.plan(&prompt).await.expect("it answers again");

        assert_eq!(shown.sum(OPEN, &[of_test]), 0.0);
        assert_eq!(shown.sum(CALLS, &[of_test, ("outcome", "unreachable")]), 2.0);
        assert_eq!(shown.sum(CALLS, &[of_test, ("operation", "plan"), ("outcome", "ok")]), 1.0);
        assert_eq!(shown.sum(OPEN, &[("provider", "builtin")]), 0.0);
        for (kind, tokens) in [("prompt", 11.0), ("completion", 7.0)] {
            assert_eq!(
                shown.sum("tertulia_model_tokens_total", &[of_test, ("kind", kind)]),
                tokens
            );
        }
    })
    .await;
}
