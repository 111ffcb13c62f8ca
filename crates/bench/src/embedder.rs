//! A provider of embeddings, as far as a worker asks one: over HTTP, with numbers as
//! [`Clusters`] makes them.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use clusters::Clusters;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// As it is written into `message_embeddings`.
pub(crate) const MODEL: &str = "bench/clusters";
const SEED: u64 = 5;

/// Serves until it is dropped.
#[derive(Debug)]
pub(crate) struct Embedder {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Embedder {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener));
        Ok(Self { address, _serving: serving })
    }

    /// What has a worker ask it.
    pub(crate) fn env(&self) -> [(String, String); 2] {
        let (provider, model) = MODEL.split_once('/').expect("the name has a slash");
        let base_url = format!("http://{}/v1", self.address);
        let providers =
            json!([{"name": provider, "base_url": base_url, "embedding_models": [model]}]);
        [
            ("MODEL_PROVIDERS".to_owned(), providers.to_string()),
            ("EMBEDDING_MODEL".to_owned(), MODEL.to_owned()),
        ]
    }
}

async fn accept(listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Whoever asked sees that there is no answer.
        connections.spawn(async { drop(serve(stream).await) });
        while connections.try_join_next().is_some() {}
    }
}

/// Answers one request after the other.
async fn serve(stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut clusters = Clusters::new(SEED);
    while let Some(length) = head(&mut stream).await? {
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let answer = answer(&body, &mut clusters)?.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(&[head.as_bytes(), answer.as_bytes()].concat()).await?;
    }
    Ok(())
}

/// The length of the body; `None` once there are no more requests.
async fn head(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Option<usize>> {
    let (mut line, mut length) = (String::new(), None);
    while 0 < stream.read_line(&mut line).await? {
        if line.trim_end().is_empty() {
            return length.context("a request without a length").map(Some);
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse()?);
        }
        line.clear();
    }
    Ok(None)
}

fn answer(request: &[u8], clusters: &mut Clusters) -> anyhow::Result<Value> {
    let request: Value = serde_json::from_slice(request)?;
    let texts = request["input"].as_array().context("no list of texts")?.len();
    let embeddings = (0..texts).map(|index| {
        let embedding: &[f32] = &clusters.vector();
        json!({"index": index, "embedding": embedding})
    });
    Ok(json!({"object": "list", "data": embeddings.collect::<Vec<_>>()}))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(stream: &mut BufReader<TcpStream>, texts: &[&str]) -> Value {
        let body = json!({"model": "clusters", "input": texts}).to_string();
        let head =
            format!("POST /v1/embeddings HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.unwrap();
        let length = super::head(stream).await.unwrap().unwrap();
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).await.unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    #[tokio::test]
    async fn each_text_of_each_request_is_given_numbers() {
        let embedder = Embedder::start().await.unwrap();
        let mut stream = BufReader::new(TcpStream::connect(embedder.address).await.unwrap());

        for texts in [&["one", "two"][..], &["three"]] {
            let answer = asked(&mut stream, texts).await;

            let data = answer["data"].as_array().unwrap();
            assert_eq!(data.len(), texts.len());
            assert!(data.iter().all(|it| it["embedding"].as_array().unwrap().len() == 1536));
        }
    }
}
