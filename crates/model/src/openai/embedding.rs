//! Texts into numbers, in batches.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{endpoint::Endpoint, failure::Failure, patience::Patience, prompt::budget};
use crate::{DIMENSIONS, Error};

/// Of one text; models take 8,192 of their own.
const MAX_TOKENS: usize = 8_000;

/// How texts are sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) batch: usize,
    pub(super) sends_dimensions: bool,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("no list of embeddings")]
    NoList,
    #[error("{found} embeddings for {wanted} texts")]
    Count { found: usize, wanted: usize },
    #[error("embedding {at} is not one of the texts, or comes twice")]
    Index { at: usize },
    #[error("embedding {at} has {found} numbers instead of {DIMENSIONS}")]
    Size { at: usize, found: usize },
    #[error("embedding {at} has something else than a finite number at {place}")]
    NotFinite { at: usize, place: usize },
    #[error("embedding {at} is all zeros")]
    Zero { at: usize },
}

pub(super) async fn embed(
    endpoint: &Endpoint,
    model: &str,
    texts: &[String],
    terms: Terms,
) -> Result<Vec<Vec<f32>>, Error> {
    let patience = endpoint.patience();
    let mut all = Vec::with_capacity(texts.len());
    for batch in texts.chunks(terms.batch) {
        let request = request(model, batch, terms);
        let attempt = || answer(endpoint, request.clone(), patience);
        let body = endpoint.retrying(patience, attempt).await?;
        all.extend(read(&body, batch.len()).map_err(|fault| Error::Unusable(fault.into()))?);
    }
    Ok(all)
}

fn request(model: &str, texts: &[String], terms: Terms) -> Bytes {
    let input: Vec<&str> = texts.iter().map(|it| input(it)).collect();
    let mut request = json!({"model": model, "input": input, "encoding_format": "float"});
    if terms.sends_dimensions {
        request["dimensions"] = json!(DIMENSIONS);
    }
    request.to_string().into()
}

/// Servers refuse a text that is empty, and one that is too long.
fn input(text: &str) -> &str {
    if text.is_empty() { " " } else { budget::cut(text, MAX_TOKENS) }
}

async fn answer(endpoint: &Endpoint, request: Bytes, patience: Patience) -> Result<Value, Failure> {
    let mut body = endpoint.post("embeddings", request, patience).await?;
    let answer = body.collect().await.and_then(|it| whole(endpoint, &it));
    body.judge(answer.as_ref().err());
    answer
}

fn whole(endpoint: &Endpoint, json: &[u8]) -> Result<Value, Failure> {
    let answer: Value = serde_json::from_slice(json).map_err(Failure::unusable)?;
    match answer.get("error") {
        Some(error) if !error.is_null() => Err(Failure::within(&answer, endpoint.key())),
        _ => Ok(answer),
    }
}

/// The embeddings in the order of the texts, which servers need not keep.
fn read(answer: &Value, wanted: usize) -> Result<Vec<Vec<f32>>, Fault> {
    let list = answer["data"].as_array().ok_or(Fault::NoList)?;
    if list.len() != wanted {
        return Err(Fault::Count { found: list.len(), wanted });
    }
    let mut ordered: Vec<Option<Vec<f32>>> = vec![None; wanted];
    for (place, item) in list.iter().enumerate() {
        let index = item["index"].as_u64().map_or(Some(place), |it| usize::try_from(it).ok());
        let at = index.unwrap_or(usize::MAX);
        match ordered.get_mut(at) {
            Some(slot @ None) => *slot = Some(numbers(&item["embedding"], at)?),
            Some(Some(_)) | None => return Err(Fault::Index { at }),
        }
    }
    Ok(ordered.into_iter().flatten().collect())
}

fn numbers(embedding: &Value, at: usize) -> Result<Vec<f32>, Fault> {
    let list = embedding.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.len() != DIMENSIONS {
        return Err(Fault::Size { at, found: list.len() });
    }
    let number = |(place, value): (usize, &Value)| {
        let number = value.as_f64().map(|it| it as f32).filter(|it| it.is_finite());
        number.ok_or(Fault::NotFinite { at, place })
    };
    let numbers: Vec<f32> = list.iter().enumerate().map(number).collect::<Result<_, _>>()?;
    if numbers.iter().all(|it| *it == 0.0) {
        return Err(Fault::Zero { at });
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedding(first: f64) -> Vec<Value> {
        let mut numbers = vec![json!(0.0); DIMENSIONS];
        numbers[0] = json!(first);
        numbers
    }

    #[track_caller]
    fn check(data: Value, wanted: usize, expected: Fault) {
        assert_eq!(read(&json!({"data": data}), wanted), Err(expected));
    }

    #[test]
    fn embeddings_come_in_the_order_of_the_texts() {
        let item = |index: Value, first| json!({"index": index, "embedding": embedding(first)});
        let firsts = |data: Value| {
            let all = read(&json!({"data": data}), 2).unwrap();
            all.iter().map(|it| it[0]).collect::<Vec<_>>()
        };
        assert_eq!(firsts(json!([item(json!(1), 2.0), item(json!(0), 1.0)])), [1.0, 2.0]);
        assert_eq!(firsts(json!([item(json!(null), 1.0), item(json!(null), 2.0)])), [1.0, 2.0]);
    }

    #[test]
    fn what_is_no_embedding_is_said_to_be_in_numbers() {
        check(json!(null), 1, Fault::NoList);
        check(json!([]), 1, Fault::Count { found: 0, wanted: 1 });
        let of = |numbers: Vec<Value>| json!([{"embedding": numbers}]);
        check(of(vec![json!(1.0); 3]), 1, Fault::Size { at: 0, found: 3 });
        check(json!([{"embedding": "AAAA"}]), 1, Fault::Size { at: 0, found: 0 });
        check(of(embedding(0.0)), 1, Fault::Zero { at: 0 });
        check(of(embedding(1e39)), 1, Fault::NotFinite { at: 0, place: 0 });
        let mut broken = embedding(1.0);
        broken[7] = json!(null);
        check(of(broken), 1, Fault::NotFinite { at: 0, place: 7 });
        let twice = json!({"index": 1, "embedding": embedding(1.0)});
        check(json!([twice, twice]), 2, Fault::Index { at: 1 });
        let beyond = json!({"index": 2, "embedding": embedding(1.0)});
        check(json!([beyond, twice]), 2, Fault::Index { at: 2 });
    }

    #[test]
    fn a_text_is_neither_empty_nor_too_long() {
        assert_eq!(input(""), " ");
        assert_eq!(input("a"), "a");
        let long = "é".repeat(20_000);
        assert_eq!(input(&long).len(), 3 * MAX_TOKENS);
    }
}
