//! Filling the database.

use std::{
    thread::available_parallelism,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio_postgres::{Client, NoTls};

use super::{
    Data, Long, Session, User,
    copy::Copy,
    indexes,
    live::{self, Live},
    plan::{Plan, SESSIONS_OF_A_USER, Scale},
    rows::{self, Conversation},
    texts, words,
};
use crate::setup::Setup;

/// Indexes are dropped for the time of filling.
const TABLES: [&str; 3] = ["messages", "runs", "chat_sessions"];
/// So many conversations are of one transaction.
const CHUNK: usize = 200;
/// What the database must never hold; each query has a row for each case.
const INVARIANTS: &str = include_str!("invariants.sql");

#[derive(Debug)]
pub struct Loaded {
    pub data: Data,
    /// How long the rows and their indexes took.
    pub took: Duration,
}

/// Fills a migrated database that has nothing in it.
pub async fn load(setup: &Setup, scale: Scale) -> anyhow::Result<Loaded> {
    let plan = Plan::of(scale);
    let client = connect(&setup.postgres.url).await?;
    tell_agents_from_users(&client).await?;
    let live = live::make(setup, 1..=live::USERS).await?;
    let began = Instant::now();
    let agents = make_users(&client, plan.users(), &live).await?;
    let conversations = fill(setup, &client, &plan, &agents).await?;
    let took = began.elapsed();
    check(&client).await?;
    let longest = conversations.iter().max_by_key(|it| it.messages).context("no conversations")?;
    let long = Long { user_id: longest.user_id, session: session(longest) };
    let data = Data { users: users(agents, &conversations).collect(), long };
    Ok(Loaded { data, took })
}

/// Makes ten times as much of it: nine times as many users, with as much each.
pub async fn grow(setup: &Setup, data: &Data, scale: Scale) -> anyhow::Result<Loaded> {
    let plan = Plan::nine_times_more(scale);
    let began = Instant::now();
    let client = connect(&setup.postgres.url).await?;
    let agents = make_users(&client, plan.users(), &[]).await?;
    let conversations = fill(setup, &client, &plan, &agents).await?;
    let took = began.elapsed();
    let mut grown = data.clone();
    grown.users.extend(users(agents, &conversations));
    Ok(Loaded { data: grown, took })
}

/// Has a copy of the database as fresh as what grows: with indexes that were built at once.
pub(crate) async fn freshen(setup: &Setup) -> anyhow::Result<()> {
    let url = &setup.postgres.url;
    let client = connect(url).await?;
    indexes::drop_all(&client, &TABLES).await?.create(url, at_once()?).await?;
    settle(&client).await
}

pub(crate) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Gives agents other ids than users have, for whoever learns from what is executed.
async fn tell_agents_from_users(client: &Client) -> anyhow::Result<()> {
    const FIRST: &str = "SELECT setval(pg_get_serial_sequence('agents', 'id'), 100000)";
    Ok(client.batch_execute(FIRST).await?)
}

#[derive(Clone, Copy, Debug)]
struct Agent {
    user_id: i64,
    id: i64,
    is_live: bool,
}

/// Gives the users that have no agent yet a data set without tables and an agent.
async fn make_users(client: &Client, count: i64, live: &[Live]) -> anyhow::Result<Vec<Agent>> {
    const MAKE: &str = "
        WITH sources AS (
            INSERT INTO data_sources (user_id, name, kind)
            SELECT id, 'Flights', 'dataset' FROM generate_series($1::bigint, $2::bigint) AS id
            RETURNING id, user_id
        )
        INSERT INTO agents (user_id, name, data_source_id, model, instructions, table_allow_list,
            max_rows, statement_timeout_ms)
        SELECT user_id, 'Flights', id, 'builtin', '', '{}', 1000, 30000 FROM sources
        RETURNING user_id, id";
    let first: i64 = client
        .query_one("SELECT coalesce(max(user_id), 0) + 1 FROM agents", &[])
        .await?
        .try_get(0)?;
    let last = first - 1 + count - live.len() as i64;
    let mut agents: Vec<Agent> = live
        .iter()
        .map(|it| Agent { user_id: it.user_id, id: it.agent_id, is_live: true })
        .collect();
    for row in client.query(MAKE, &[&first, &last]).await? {
        agents.push(Agent { user_id: row.try_get(0)?, id: row.try_get(1)?, is_live: false });
    }
    agents.sort_by_key(|agent| agent.user_id);
    Ok(agents)
}

async fn fill(
    setup: &Setup,
    client: &Client,
    plan: &Plan,
    agents: &[Agent],
) -> anyhow::Result<Vec<Conversation>> {
    let url = &setup.postgres.url;
    let at_once = at_once()?;
    let conversations = conversations(client, plan, agents).await?;
    let dropped = indexes::drop_all(client, &TABLES).await?;
    let known = words::know(client, &texts::all()).await?;
    let chunks = conversations.chunks(CHUNK).map(|chunk| copy(url, chunk));
    stream::iter(chunks).buffer_unordered(at_once).try_collect::<()>().await?;
    known.forget(client).await?;
    dropped.create(url, at_once).await?;
    for table in TABLES {
        let next = "SELECT setval(pg_get_serial_sequence($1, 'id'), max(id)) FROM ";
        client.execute(&format!("{next}{table}"), &[&table]).await?;
    }
    settle(client).await?;
    Ok(conversations)
}

/// How much is done at once.
fn at_once() -> anyhow::Result<usize> {
    Ok(available_parallelism()?.get().clamp(2, 8))
}

/// As after some days of service, and nothing is left to be written during measurements.
async fn settle(client: &Client) -> anyhow::Result<()> {
    client.batch_execute("VACUUM ANALYZE").await?;
    Ok(client.batch_execute("CHECKPOINT").await?)
}

/// Where each conversation's rows begin, after what there is.
async fn conversations(
    client: &Client,
    plan: &Plan,
    agents: &[Agent],
) -> anyhow::Result<Vec<Conversation>> {
    const FIRST: &str = "
        SELECT (SELECT coalesce(max(id), 0) + 1 FROM chat_sessions),
            (SELECT coalesce(max(id), 0) + 1 FROM runs),
            (SELECT coalesce(max(id), 0) + 1 FROM messages),
            (extract(epoch FROM now() - '2000-01-01 00:00Z') * 1000000)::bigint";
    let row = client.query_one(FIRST, &[]).await?;
    let [first_id, mut run_id, mut message_id, now] = [0, 1, 2, 3].map(|it| row.get::<_, i64>(it));
    let owners = agents.iter().flat_map(|agent| [agent; SESSIONS_OF_A_USER as usize]);
    let conversations = (first_id..).zip(owners).zip(&plan.messages);
    Ok(conversations
        .map(|((id, agent), &messages)| {
            let began = Conversation::beginning(id, messages, now);
            let Agent { user_id, id: agent_id, .. } = *agent;
            let it = Conversation { id, user_id, agent_id, messages, run_id, message_id, began };
            run_id += messages / 2;
            message_id += messages;
            it
        })
        .collect())
}

async fn copy(url: &str, conversations: &[Conversation]) -> anyhow::Result<()> {
    let client = connect(url).await?;
    // Foreign keys are right by the way rows are made, and are checked in the end.
    client.batch_execute("SET session_replication_role = replica; BEGIN").await?;
    let mut sessions = Copy::begin(&client, rows::SESSIONS).await?;
    conversations.iter().for_each(|it| it.session(&mut sessions));
    sessions.end().await?;
    let mut runs = Copy::begin(&client, rows::RUNS).await?;
    for conversation in conversations {
        conversation.runs(&mut runs).await?;
    }
    runs.end().await?;
    let mut messages = Copy::begin(&client, rows::MESSAGES).await?;
    for conversation in conversations {
        conversation.messages(&mut messages).await?;
    }
    messages.end().await?;
    Ok(client.batch_execute("COMMIT").await?)
}

async fn check(client: &Client) -> anyhow::Result<()> {
    for query in INVARIANTS.split(';').map(str::trim).filter(|query| !query.is_empty()) {
        let broken = client.query(query, &[]).await?;
        ensure!(broken.is_empty(), "{} rows of the data set break a rule:\n{query}", broken.len());
    }
    Ok(())
}

fn users(agents: Vec<Agent>, conversations: &[Conversation]) -> impl Iterator<Item = User> {
    let of_users = conversations.chunks(SESSIONS_OF_A_USER as usize);
    agents.into_iter().zip(of_users).map(|(agent, conversations)| User {
        id: agent.user_id,
        agent_id: agent.id,
        is_live: agent.is_live,
        sessions: conversations.iter().map(session).collect(),
    })
}

fn session(conversation: &Conversation) -> Session {
    Session { id: conversation.id, messages: conversation.messages }
}
