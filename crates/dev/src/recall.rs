//! `cargo dev recall`: how many of the nearest messages a search by meaning finds, of many.

mod fill;

use std::{
    collections::HashSet,
    fmt,
    time::{Duration, Instant},
};

use anyhow::ensure;
use clap::{Args, value_parser};
use storage::{
    Database, UserId,
    search::{self, Filter, Meaning, Query},
};
use tokio_postgres::Client;

pub use self::fill::{MODEL, fill};
use crate::{
    cli::print,
    servers::{postgres, random_bytes},
    shared::test_servers,
    up::databases::with_database,
};
pub use clusters::Clusters;

/// What the search promises.
const LEAST_RECALL: f64 = 0.95;
const LIMIT: u16 = 10;
const SEED: u64 = 4;

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// How many messages there are: nine of ten are one user's, one of ten is another's
    #[arg(long, default_value_t = 100_000, value_parser = value_parser!(i64).range(10..))]
    vectors: i64,
    /// How many searches to make for each of them
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..))]
    searches: u32,
}

pub(crate) async fn recall(options: &Options) -> anyhow::Result<()> {
    let servers = test_servers().await?;
    let server = postgres::connect(&servers.database_url).await?;
    let suffix = random_bytes::<8>()?.map(|byte| format!("{byte:02x}")).concat();
    let name = format!("recall_{suffix}");
    server.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    let measured = measure(&with_database(&servers.database_url, &name)?, options).await;
    server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    let measured = measured?;
    for measured in &measured {
        print(&measured.to_string());
    }
    ensure!(measured.iter().all(|it| LEAST_RECALL <= it.recall()), "too many are missed");
    Ok(())
}

async fn measure(url: &str, options: &Options) -> anyhow::Result<Vec<Measured>> {
    eprintln!("filling a database ...");
    migration::up(url).await?;
    let client = postgres::connect(url).await?;
    let mut clusters = Clusters::new(SEED);
    let minor = options.vectors / 10;
    let users = [(1, options.vectors - minor), (2, minor)];
    let built = fill(&client, &mut clusters, &users).await?;
    print(&format!("index over {} messages built in {built:.1?}", options.vectors));
    let db = storage::connect(url, 1).await?;
    let mut measured = Vec::new();
    for (user_id, messages) in users {
        eprintln!("searching as user {user_id} ...");
        let mut of_user = Measured::new(user_id, messages);
        for _ in 0..options.searches {
            of_user.search(&db, &client, clusters.vector()).await?;
        }
        measured.push(of_user);
    }
    Ok(measured)
}

/// What searches of a user have found, and how long they took.
#[derive(Debug)]
pub struct Measured {
    user_id: i64,
    messages: i64,
    found: usize,
    missed: usize,
    searches: Vec<Duration>,
    comparisons: Vec<Duration>,
}

impl Measured {
    pub fn new(user_id: i64, messages: i64) -> Self {
        let (searches, comparisons) = (Vec::new(), Vec::new());
        Self { user_id, messages, found: 0, missed: 0, searches, comparisons }
    }

    /// Searches as the product does, and compares what it finds with what there is.
    pub async fn search(
        &mut self,
        db: &Database,
        client: &Client,
        embedding: Vec<f32>,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        let nearest = nearest(client, self.user_id, &embedding).await?;
        self.comparisons.push(began.elapsed());
        let user_id = UserId(self.user_id);
        let query = Query { user_id, filter: Filter::default(), limit: LIMIT };
        let meaning = Meaning { model: MODEL.to_owned(), embedding };
        let began = Instant::now();
        let found = search::by_meaning(db, &query, &meaning).await?;
        self.searches.push(began.elapsed());
        let found: HashSet<i64> = found.iter().map(|it| it.message.id.0).collect();
        self.found += found.intersection(&nearest).count();
        self.missed += nearest.difference(&found).count();
        Ok(())
    }

    /// Which part of the nearest was found.
    pub fn recall(&self) -> f64 {
        let [found, missed] = [self.found, self.missed].map(|it| it as f64);
        found / (found + missed).max(1.0)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, messages, searches, comparisons, .. } = self;
        writeln!(f, "user {user_id} with {messages} messages: recall {:.4}", self.recall())?;
        for (what, times) in [("searches", searches), ("one by one", comparisons)] {
            let (half, most) = (percentile(times, 50), percentile(times, 99));
            writeln!(f, "  {what}: p50 {half:.1?}, p99 {most:.1?}")?;
        }
        Ok(())
    }
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times.get(times.len() * percent / 100).or(times.last()).copied().unwrap_or_default()
}

/// The nearest messages of a user, compared one by one.
async fn nearest(client: &Client, user_id: i64, embedding: &[f32]) -> anyhow::Result<HashSet<i64>> {
    let numbers: Vec<String> = embedding.iter().map(ToString::to_string).collect();
    // An expression that no index is of.
    let query = format!(
        "SELECT message_id FROM message_embeddings WHERE user_id = {user_id}
        ORDER BY (embedding <=> '[{}]') + 0 LIMIT {LIMIT}",
        numbers.join(",")
    );
    let rows = client.query(&query, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
