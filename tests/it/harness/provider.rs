use std::{collections::VecDeque, sync::Mutex, time::Duration};

use data_source::Rows;
use futures::{
    StreamExt as _,
    future::{self, BoxFuture},
    stream::{self, BoxStream},
};
use model::{Error, Plan, Provider, Question};
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
    async fn plan(&self, _: &Question<'_>) -> Result<Plan, Error> {
        let next = self.plans.lock().expect("no test panics here").pop_front();
        next.expect("the script has a plan for every question")
    }

    fn answer<'a>(
        &'a self,
        _: &'a Question<'a>,
        _: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<String, Error>> {
        stream::iter([Ok(format!("{} rows", rows.rows.len()))]).boxed()
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
    async fn plan(&self, question: &Question<'_>) -> Result<Plan, Error> {
        self.asked.add_permits(1);
        self.open.acquire().await.expect("never closed").forget();
        Ok(Plan::Reply(format!("you asked: {}", question.text)))
    }

    fn answer<'a>(
        &'a self,
        _: &'a Question<'a>,
        _: &'a str,
        _: &'a Rows,
    ) -> BoxStream<'a, Result<String, Error>> {
        unreachable!("it plans replies only")
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
    async fn plan(&self, _: &Question<'_>) -> Result<Plan, Error> {
        Ok(Plan::Query(Endless::SQL.to_owned()))
    }

    fn answer<'a>(
        &'a self,
        _: &'a Question<'a>,
        _: &'a str,
        _: &'a Rows,
    ) -> BoxStream<'a, Result<String, Error>> {
        let (begun, noting) = (&self.begun, Noting(&self.dropped));
        let silence = stream::once(async move {
            // Asked for once what was said before is taken.
            let _noting = noting;
            begun.add_permits(1);
            future::pending().await
        });
        stream::iter([Ok(Endless::BEGINNING.to_owned())]).chain(silence).boxed()
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
    async fn plan(&self, question: &Question<'_>) -> Result<Plan, Error> {
        (self.0)(question.text.to_owned()).await
    }

    fn answer<'a>(
        &'a self,
        _: &'a Question<'a>,
        _: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<String, Error>> {
        stream::iter([Ok(format!("{} rows", rows.rows.len()))]).boxed()
    }
}
