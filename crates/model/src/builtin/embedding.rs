//! Texts as directions: those that share words, or parts of words, lie close.

use super::words::name_words;
use crate::DIMENSIONS;

/// How long the parts of a word are that count by themselves, in characters: forms
/// of a word, and words of related languages, share them.
const PART: usize = 4;
const WORD_WEIGHT: f32 = 2.0;

/// The embedding of a text, of length 1. A text without a word has one direction
/// that no other has a share in.
pub(super) fn embed(text: &str) -> Vec<f32> {
    let mut embedding = vec![0.0; DIMENSIONS];
    for word in name_words(text) {
        add(&mut embedding, &word, WORD_WEIGHT);
        let characters: Vec<char> = word.chars().collect();
        for part in characters.windows(PART).filter(|part| part.len() < characters.len()) {
            add(&mut embedding, &part.iter().collect::<String>(), 1.0);
        }
    }
    let length = embedding.iter().map(|it| it * it).sum::<f32>().sqrt();
    if length == 0.0 {
        embedding[0] = 1.0;
        return embedding;
    }
    embedding.iter_mut().for_each(|it| *it /= length);
    embedding
}

/// Moves the embedding along one dimension, to the side that the term's hash says;
/// the first is kept for texts without a word.
fn add(embedding: &mut [f32], term: &str, weight: f32) {
    let hash = fnv(term);
    let dimension = 1 + usize::try_from(hash >> 1).unwrap_or(usize::MAX) % (DIMENSIONS - 1);
    embedding[dimension] += if hash & 1 == 0 { weight } else { -weight };
}

/// FNV-1a: embeddings are stored, so the hash must never change.
fn fnv(term: &str) -> u64 {
    term.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn similarity(left: &str, right: &str) -> f32 {
        embed(left).iter().zip(embed(right)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn an_embedding_has_length_one_whatever_the_text() {
        for text in ["", "?!", "penguins", "Quantos pinguins há em cada ilha?"] {
            let length: f32 = embed(text).iter().map(|it| it * it).sum();
            assert!((length - 1.0).abs() < 1e-5, "{text}: {length}");
            assert_eq!(embed(text).len(), DIMENSIONS);
        }
    }

    #[test]
    fn what_shares_words_is_closer_than_what_does_not() {
        let question = "average rainfall in Seattle";
        assert!(similarity(question, "rain in Seattle by month") > 0.3);
        assert!(similarity(question, "penguins of each species") < 0.1);
        assert!(similarity("MÉDIA de vendas", "media de vendas") > 0.99);
        assert!(similarity("", "penguins").abs() < f32::EPSILON);
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv("foobar"), 0x85944171f73967e8);
    }
}
