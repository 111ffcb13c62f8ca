//! The demo: a data set, an agent and a first question, through the API like any caller.

pub(crate) mod api;

use anyhow::{Context as _, ensure};
use proto::v1::{self as pb, Role};

use self::api::Api;
use crate::cli::print;

const NAME: &str = "Demo";
const TITLE: &str = "First questions";
const QUESTION: &str = "Quantos registros tem na tabela penguins?";
pub(crate) const PENGUINS: &str = include_str!("../demo/penguins.csv");
/// What each table is imported from.
const TABLES: [(&str, &str); 3] = [
    ("airports", include_str!("../demo/airports.csv")),
    ("penguins", PENGUINS),
    ("seattle_weather", include_str!("../demo/seattle-weather.csv")),
];

/// Loads the demo's data set and creates its agent where they are missing, asks a question,
/// prints the conversation, and returns the agent's id.
pub(crate) async fn seed(grpc: &str, token: &str) -> anyhow::Result<i64> {
    let mut api = Api::connect(grpc, token).await?;
    let data_source_id = data_set(&mut api).await.context("loading the demo's data")?;
    let agent_id = agent(&mut api, data_source_id).await.context("creating the demo's agent")?;
    let session_id = session(&mut api, agent_id).await.context("creating the demo's session")?;

    eprintln!("asking a first question ...");
    let run = api.ask(session_id, QUESTION).await.context("asking the first question")?;
    let error = run.error.as_ref().map(|error| error.message.as_str()).unwrap_or_default();
    ensure!(run.ended_at.is_some(), "the first question was not answered in time");
    ensure!(error.is_empty(), "the first question was not answered: {error}");
    print(&conversation(&api.messages(session_id).await?));
    Ok(agent_id)
}

async fn data_set(api: &mut Api) -> anyhow::Result<i64> {
    let id = match api.find_data_source(NAME).await? {
        Some(id) => id,
        None => api.create_data_set(NAME).await?,
    };
    let present = api.tables(id).await?;
    for (name, csv) in TABLES {
        if !present.iter().any(|table| table == name) {
            let rows = api.import(id, name, csv).await?;
            eprintln!("imported {rows} rows into {name}");
        }
    }
    Ok(id)
}

async fn agent(api: &mut Api, data_source_id: i64) -> anyhow::Result<i64> {
    match api.find_agent(NAME).await? {
        Some(id) => Ok(id),
        None => api.create_agent(NAME, data_source_id, None).await,
    }
}

async fn session(api: &mut Api, agent_id: i64) -> anyhow::Result<i64> {
    match api.find_session(agent_id, TITLE).await? {
        Some(id) => Ok(id),
        None => api.create_session(agent_id, TITLE).await,
    }
}

fn conversation(messages: &[pb::Message]) -> String {
    let mut text = format!("\n{TITLE}\n");
    for message in messages {
        let who = match message.role() {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Unspecified => "?",
        };
        text.push_str(&format!("{:>4}  {who:<9}  {}\n", message.sequence_order, message.content));
        if !message.sql_query.is_empty() {
            text.push_str(&format!("                 {}\n", message.sql_query));
        }
    }
    text
}
