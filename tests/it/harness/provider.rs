use std::{collections::VecDeque, sync::Mutex};

use data_source::Rows;
use model::{Error, Plan, Provider, Question};
use tokio::sync::Semaphore;

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

    async fn answer(&self, _: &Question<'_>, _: &str, rows: &Rows) -> Result<String, Error> {
        Ok(format!("{} rows", rows.rows.len()))
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
        self.asked.acquire().await.expect("never closed").forget();
    }

    /// Lets `count` questions through.
    pub(crate) fn let_through(&self, count: usize) {
        self.open.add_permits(count);
    }
}

#[async_trait::async_trait]
impl Provider for &'static Gate {
    async fn plan(&self, question: &Question<'_>) -> Result<Plan, Error> {
        self.asked.add_permits(1);
        self.open.acquire().await.expect("never closed").forget();
        Ok(Plan::Reply(format!("you asked: {}", question.text)))
    }

    async fn answer(&self, _: &Question<'_>, _: &str, _: &Rows) -> Result<String, Error> {
        unreachable!("it plans replies only")
    }
}
