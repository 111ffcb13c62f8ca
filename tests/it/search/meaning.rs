//! By meaning.

use model::Builtin;
use proto::v1::SearchMode;

use super::{found, hits, search, session, talked};
use crate::harness::{Harness, Said};

#[tokio::test]
async fn the_nearest_in_meaning_come_first() {
    let (harness, _) = talked(&[
        ("how many penguins live on each island", "three islands"),
        ("penguins of each species", "three species"),
        ("average rainfall in Seattle", "dry"),
    ])
    .await;

    let found = found(&harness.api(1), search("penguins by species", SearchMode::Semantic)).await;

    assert_eq!(found.len(), 6, "as many as there are, however far");
    assert_eq!(found[0], "penguins of each species");
}

#[tokio::test]
async fn embeddings_of_two_models_are_never_compared() {
    let (harness, session_id) = talked(&[("sales by month", "12 rows")]).await;
    let old = "UPDATE message_embeddings SET model = 'old'";
    harness.execute(old).await;
    harness.say(Said::in_session(session_id, "rain by month", "other rows")).await;
    let _worker = harness.worker(Builtin, 1);
    harness.all_is_embedded().await;

    let api = harness.api(1);
    let found = found(&api, search("sales by month", SearchMode::Semantic)).await;
    assert_eq!(found, ["rain by month", "other rows"]);

    let both = hits(&api, search("sales by month", SearchMode::Hybrid)).await;
    assert_eq!(both.len(), 3, "words are found whatever the model");
}

#[tokio::test]
async fn the_same_text_is_not_copied_from_another_model() {
    let (harness, _) = talked(&[("sales by month", "12 rows")]).await;
    let other = "UPDATE message_embeddings SET model = 'old',
        embedding = array_fill(-1, ARRAY[1536])::vector";
    harness.execute(other).await;
    let session_id = session(&harness, 1).await;
    harness.say(Said::in_session(session_id, "sales by month", "12 rows")).await;
    let _worker = harness.worker(Builtin, 1);
    harness.all_is_embedded().await;

    let hits = hits(&harness.api(1), search("sales by month", SearchMode::Semantic)).await;
    assert!(0.999 < hits[0].score, "{hits:?}");
}

#[tokio::test]
async fn who_has_nothing_finds_nothing() {
    let harness = Harness::without_worker().await;
    for mode in super::MODES {
        assert_eq!(found(&harness.api(1), search("sales", mode)).await, Vec::<String>::new());
    }
}
