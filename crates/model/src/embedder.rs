//! Embedding with a bound on the time, and a look at what came of it.

use std::time::Duration;

use tokio::time;

use crate::{Call, DIMENSIONS, Embedder, Error};

impl Embedder {
    /// Embeds each text, in their order, within `patience`.
    pub async fn embed(
        &self,
        texts: &[String],
        patience: Duration,
    ) -> Result<Vec<Vec<f32>>, Error> {
        Call::embeddings(&self.model).follow(self.embed_in_time(texts, patience)).await
    }

    async fn embed_in_time(
        &self,
        texts: &[String],
        patience: Duration,
    ) -> Result<Vec<Vec<f32>>, Error> {
        let embedded = time::timeout(patience, self.provider.embed(texts)).await;
        let embeddings = embedded.map_err(|elapsed| Error::Unreachable(elapsed.into()))??;
        if embeddings.len() != texts.len() || !embeddings.iter().all(|it| has_direction(it)) {
            return Err(Error::Unusable("not one direction for each text".into()));
        }
        Ok(embeddings)
    }
}

/// Whether an embedding can be compared with others.
fn has_direction(embedding: &[f32]) -> bool {
    let length = embedding.iter().map(|it| it * it).sum::<f32>();
    embedding.len() == DIMENSIONS && length.is_normal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_compared_has_no_direction() {
        assert!(has_direction(&[0.1; DIMENSIONS]));
        assert!(!has_direction(&[0.0; DIMENSIONS]));
        assert!(!has_direction(&[f32::NAN; DIMENSIONS]));
        assert!(!has_direction(&[f32::INFINITY; DIMENSIONS]));
        assert!(!has_direction(&[0.1; DIMENSIONS - 1]));
        assert!(!has_direction(&[]));
    }
}
