//! SearchMessages.

use std::time::Duration;

use model::Embedder;
use proto::v1::{self as pb, SearchMode};
use storage::{
    AgentId, Database, SessionId, UserId,
    entity::message::Role,
    search::{self, Filter, Found, Meaning, Query},
};

use super::to_message;
use crate::{
    Error,
    door::Slot,
    grpc::{fields::Fields, time::Round},
};

const MAX_QUERY_CHARS: usize = 1_000;
const DEFAULT_HITS: u16 = 10;
const MAX_HITS: u16 = 50;
/// How long the embedder may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A search that was asked for.
pub(super) struct Search {
    text: String,
    mode: SearchMode,
    filter: Filter,
    limit: u16,
}

pub(super) fn read(request: pb::SearchMessagesRequest) -> Result<Search, Error> {
    let mut fields = Fields::default();
    let mode = fields.choice("mode", request.mode);
    let limit = limit(&mut fields, request.limit);
    let filter = Filter {
        session_id: fields.optional_id("session_id", request.session_id, SessionId),
        agent_id: fields.optional_id("agent_id", request.agent_id, AgentId),
        role: fields.choice("role", request.role).and_then(role),
        created_after: fields.time("created_after", request.created_after, Round::Down),
        created_before: fields.time("created_before", request.created_before, Round::Up),
    };
    if request.query.trim().is_empty() {
        fields.refuse("query", "is required");
    }
    if MAX_QUERY_CHARS < request.query.chars().count() {
        fields.refuse("query", format!("must not have more than {MAX_QUERY_CHARS} characters"));
    }
    fields.no_nul("query", &request.query);
    fields.check()?;
    Ok(Search { text: request.query, mode: mode.unwrap_or(SearchMode::Hybrid), filter, limit })
}

fn limit(fields: &mut Fields, value: i32) -> u16 {
    if value < 0 {
        fields.refuse("limit", "must not be negative");
    }
    match u16::try_from(value) {
        Ok(0) => DEFAULT_HITS,
        Ok(limit) => limit.min(MAX_HITS),
        Err(_) => MAX_HITS,
    }
}

fn role(role: pb::Role) -> Option<Role> {
    match role {
        pb::Role::Unspecified => None,
        pb::Role::User => Some(Role::User),
        pb::Role::Assistant => Some(Role::Assistant),
    }
}

impl Search {
    /// Finds what was asked for. What the filters name is looked at first: an embedder
    /// is not told what is for nothing.
    pub(super) async fn run(
        &self,
        db: &Database,
        embedder: &Embedder,
        user_id: UserId,
    ) -> Result<Vec<Found>, Error> {
        search::check(db, user_id, &self.filter).await?;
        let query = Query { user_id, filter: self.filter, limit: self.limit };
        let found = match self.mode {
            SearchMode::Text => search::by_words(db, &query, &self.text).await,
            SearchMode::Semantic => {
                let meaning = self.meaning(embedder).await?;
                search::by_meaning(db, &query, &meaning).await
            }
            SearchMode::Unspecified | SearchMode::Hybrid => {
                let meaning = self.meaning(embedder).await?;
                search::by_both(db, &query, &self.text, &meaning).await
            }
        };
        Ok(found?)
    }

    async fn meaning(&self, embedder: &Embedder) -> Result<Meaning, Error> {
        Slot::current()?.wait()?;
        let texts = [self.text.clone()];
        let mut embedded = embedder.embed(&texts, PATIENCE).await.map_err(Error::Embedder)?;
        let embedding = embedded.pop().expect("there is one for each text");
        Ok(Meaning { model: embedder.model.clone(), embedding })
    }
}

pub(super) fn to_hits(found: Vec<Found>) -> pb::SearchMessagesResponse {
    let hits = found.into_iter().map(|it| pb::SearchHit {
        message: Some(to_message(it.message)),
        session_title: it.session_title,
        agent_id: it.agent_id.0,
        score: it.score,
    });
    pb::SearchMessagesResponse { hits: hits.collect() }
}
