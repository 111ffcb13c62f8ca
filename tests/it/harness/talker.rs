use data_source::Rows;
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use model::{Builtin, Conversation, Error, Piece, Plan, Planned, Prompt, Provider, Summarized};
use tokio::sync::mpsc;

/// A provider that executes a statement, and says what a test tells it to, piece by
/// piece.
#[derive(Debug)]
pub(crate) struct Talker {
    pieces: mpsc::UnboundedSender<Option<String>>,
    heard: tokio::sync::Mutex<mpsc::UnboundedReceiver<Option<String>>>,
}

impl Talker {
    /// What it executes.
    pub(crate) const SQL: &str = "SELECT 1";

    pub(crate) fn shared() -> &'static Self {
        let (pieces, heard) = mpsc::unbounded_channel();
        Box::leak(Box::new(Self { pieces, heard: heard.into() }))
    }

    /// Has it say this.
    pub(crate) fn say(&self, piece: impl Into<String>) {
        self.pieces.send(Some(piece.into())).expect("it listens");
    }

    /// Has it come to the end of an answer.
    pub(crate) fn finish(&self) {
        self.pieces.send(None).expect("it listens");
    }
}

#[async_trait::async_trait]
impl Provider for &'static Talker {
    fn is_local(&self) -> bool {
        true
    }

    async fn plan(&self, _: &Prompt<'_>) -> Result<Planned, Error> {
        Ok(Plan::Query(Talker::SQL.to_owned()).into())
    }

    fn answer<'a>(
        &'a self,
        _: &'a Prompt<'a>,
        _: &'a str,
        _: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        let next = async |talker: &'a Talker| {
            let piece = talker.heard.lock().await.recv().await.flatten()?;
            Some((Ok(Piece::Text(piece)), talker))
        };
        stream::unfold(*self, next).boxed()
    }

    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error> {
        Builtin.summarize(conversation).await
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        Builtin.embed(texts).await
    }
}
