use std::{collections::VecDeque, sync::Mutex, time::Duration};

use data_source::Rows;
use futures::{
    StreamExt as _,
    future::{self, BoxFuture},
    stream::{self, BoxStream},
};
use model::{Builtin, Conversation, Error, Piece, Plan, Planned, Prompt, Provider, Summarized};
use tokio::{sync::Semaphore, time};

/// A provider that gives the plans it was told to give, in order, and answers
/// with the number of rows.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    plans: Mutex<VecDeque<Result<Plan, Error>>>,
}

impl Scripted {
    pub(crate) fn new(plans: impl IntoIterator<Item = Result<Plan, Error>>) -> Self {
        Self { plans: Mutex::new(plans.into_iter().collect()) }
    }
}

#[async_trait::async_trait]
impl Provider for Scripted {
    fn is_local(&self) -> bool {
        true
    }

    async fn plan(&self, _: &Prompt<'_>) -> Result<Planned, Error> {
        let next = self.plans.lock().expect("no test panics here").pop_front();
        next.expect("the script has a plan for every question").map(Planned::from)
    }

    fn answer<'a>(
        &'a self,
        _: &'a Prompt<'a>,
        _: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        stream::iter([Ok(Piece::Text(format!("{} rows", rows.rows.len())))]).boxed()
    }

    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error> {
        Builtin.summarize(conversation).await
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        Builtin.embed(texts).await
    }
}

/// A provider that repeats each question once it is let through.
#[derive(Debug)]
pub(crate) struct Gate {
    asked: Semaphore,
    open: Semaphore,
}

impl Gate {
    /// Returns it in the form that a worker and a test can share.
    pub(crate) fn shared() -> &'static Self {
        Box::leak(Box::new(Self { asked: Semaphore::new(0), open: Semaphore::new(0) }))
    }

    /// Waits until one more question has arrived.
    pub(crate) async fn asked(&self) {
        take(&self.asked, "a question").await;
    }

    /// Lets `count` questions through.
    pub(crate) fn let_through(&self, count: usize) {
        self.open.add_permits(count);
    }

    /// Lets nobody through who has not passed yet.
    pub(crate) fn take_back(&self) {
        self.open.forget_permits(usize::MAX);
    }
}

#[async_trait::async_trait]
impl Provider for &'static Gate {
    fn is_local(&self) -> bool {
        true
    }

    async fn plan(&self, prompt: &Prompt<'_>) -> Result<Planned, Error> {
        self.asked.add_permits(1);
        self.open.acquire().await.expect("never closed").forget();
        Ok(Plan::Reply(format!("you asked: {}", prompt.question)).into())
    }

    fn answer<'a>(
        &'a self,
        _: &'a Prompt<'a>,
        _: &'a str,
        _: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        unreachable!("it plans replies only")
    }

    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error> {
        Builtin.summarize(conversation).await
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        Builtin.embed(texts).await
    }
}

/// Waits for something; panics after 30 s.
async fn take(semaphore: &Semaphore, what: &str) {
    let permit = time::timeout(Duration::from_secs(30), semaphore.acquire()).await;
    let permit = permit.unwrap_or_else(|_| panic!("{what} did not come within 30 s"));
    permit.expect("never closed").forget();
}

/// A provider that begins to answer and never comes to an end.
#[derive(Debug)]
pub(crate) struct Endless {
    begun: Semaphore,
    dropped: Semaphore,
}

/// Notes that an answer is not waited for any more.
struct Noting(&'static Semaphore);

impl Drop for Noting {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Endless {
    /// What it executes.
    pub(crate) const SQL: &str = "SELECT 1";
    /// What it says before it says nothing any more.
    pub(crate) const BEGINNING: &str = "half an answer";

    pub(crate) fn shared() -> &'static Self {
        Box::leak(Box::new(Self { begun: Semaphore::new(0), dropped: Semaphore::new(0) }))
    }

    /// Waits until one more answer has begun.
    pub(crate) async fn begun(&self) {
        take(&self.begun, "the beginning of an answer").await;
    }

    /// Waits until one more answer is not waited for any more.
    pub(crate) async fn dropped(&self) {
        take(&self.dropped, "the end of interest in an answer").await;
    }
}

#[async_trait::async_trait]
impl Provider for &'static Endless {
    fn is_local(&self) -> bool {
        true
    }

    async fn plan(&self, _: &Prompt<'_>) -> Result<Planned, Error> {
        Ok(Plan::Query(Endless::SQL.to_owned()).into())
    }

    fn answer<'a>(
        &'a self,
        _: &'a Prompt<'a>,
        _: &'a str,
        _: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        let (begun, noting) = (&self.begun, Noting(&self.dropped));
        let silence = stream::once(async move {
            // Asked for once what was said before is taken.
            let _noting = noting;
            begun.add_permits(1);
            future::pending().await
        });
        stream::iter([Ok(Piece::Text(Endless::BEGINNING.to_owned()))]).chain(silence).boxed()
    }

    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error> {
        Builtin.summarize(conversation).await
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        Builtin.embed(texts).await
    }
}

/// A provider that plans what a function says about each question, and answers with
/// the number of rows.
pub(crate) struct Acting<F>(pub F);

impl<F> std::fmt::Debug for Acting<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acting")
    }
}

#[async_trait::async_trait]
impl<F> Provider for Acting<F>
where
    F: Fn(String) -> BoxFuture<'static, Result<Plan, Error>> + Send + Sync + 'static,
{
    fn is_local(&self) -> bool {
        true
    }

    async fn plan(&self, prompt: &Prompt<'_>) -> Result<Planned, Error> {
        (self.0)(prompt.question.to_owned()).await.map(Planned::from)
    }

    fn answer<'a>(
        &'a self,
        _: &'a Prompt<'a>,
        _: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        stream::iter([Ok(Piece::Text(format!("{} rows", rows.rows.len())))]).boxed()
    }

    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error> {
        Builtin.summarize(conversation).await
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        Builtin.embed(texts).await
    }
}

/// A provider on somebody else's computer that breaks off in the middle of an answer.
#[derive(Debug)]
pub(crate) struct Broken;

impl Broken {
    /// What it says before it breaks off.
    pub(crate) const BEGINNING: &str = "Well, there are";
}

#[async_trait::async_trait]
impl Provider for Broken {
    fn is_local(&self) -> bool {
        false
    }

    async fn plan(&self, prompt: &Prompt<'_>) -> Result<Planned, Error> {
        Ok(Plan::Query(prompt.question.to_owned()).into())
    }

    fn answer<'a>(
        &'a self,
        _: &'a Prompt<'a>,
        _: &'a str,
        _: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        let pieces = [Ok(Piece::Text(Broken::BEGINNING.to_owned())), Err(Error::Overloaded)];
        stream::iter(pieces).boxed()
    }

    async fn summarize(&self, _: &Conversation<'_>) -> Result<Summarized, Error> {
        Err(Error::Overloaded)
    }

    async fn embed(&self, _: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        Err(Error::Overloaded)
    }
}
