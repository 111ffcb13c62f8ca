//! Listing sessions, newest activity first.

use std::sync::LazyLock;

use sea_orm::{DbBackend, Statement, entity::prelude::*};

use crate::{
    AgentId, Error, SessionId, UserId,
    columns::columns,
    entity::chat_session::{Entity, Model, Status},
    page::Page,
    rows::{self, Columns, Ordered},
};

/// Which of a user's sessions to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub agent_id: Option<AgentId>,
    /// `None`: any.
    pub status: Option<Status>,
    /// Text that the title contains, whatever its case and accents.
    pub search: Option<String>,
    pub min_messages: Option<i64>,
    pub created_after: Option<DateTimeUtc>,
    pub created_before: Option<DateTimeUtc>,
}

/// A session's place in the order of listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub last_activity: DateTimeUtc,
    pub id: SessionId,
}

/// Lists the sessions after `after`, newest activity first.
#[tracing::instrument(name = "db.session.list_after", skip_all, fields(user.id = %user_id))]
pub async fn list_after(
    db: &impl ConnectionTrait,
    user_id: UserId,
    filter: &Filter,
    after: Position,
    limit: u64,
) -> Result<Page<Model, Position>, Error> {
    let mut matching = Matching::new(user_id, filter);
    let (last_activity, id) = (matching.value(after.last_activity), matching.value(after.id));
    matching.and(&format!("(last_activity, id) < ({last_activity}, {id})"));
    let limit_number = matching.value(limit + 1);
    let sql = format!(
        "SELECT {columns} FROM chat_sessions WHERE {matching} {NEWEST_FIRST} LIMIT {limit_number}",
        columns = *COLUMNS,
        matching = matching.conditions
    );
    let rows = rows::all(db, matching.statement(sql)).await?;
    Ok(Page::from_overfetch(rows, limit, position_of))
}

/// Lists the sessions from `offset` on, newest activity first, and counts all of
/// them.
#[tracing::instrument(name = "db.session.list_from", skip_all, fields(user.id = %user_id))]
pub async fn list_from(
    db: &impl ConnectionTrait,
    user_id: UserId,
    filter: &Filter,
    offset: u64,
    limit: u64,
) -> Result<(Page<Model, Position>, u64), Error> {
    let mut matching = Matching::new(user_id, filter);
    let count = format!("SELECT count(*) FROM chat_sessions WHERE {}", matching.conditions);
    let (limit_number, offset_number) = (matching.value(limit + 1), matching.value(offset));
    let sql = format!(
        "SELECT {columns}, ({count}) FROM chat_sessions WHERE {matching} {NEWEST_FIRST}
        LIMIT {limit_number} OFFSET {offset_number}",
        columns = *COLUMNS,
        matching = matching.conditions
    );
    let rows = rows::all::<Counted>(db, matching.statement(sql)).await?;

    let total = match rows.first() {
        Some(row) => row.total,
        None if offset == 0 => 0,
        // A page beyond the end has no row that could tell.
        None => {
            let statement = Matching::new(user_id, filter).statement(count);
            let Total(total) = rows::one(db, statement).await?.expect("a count is one row");
            total
        }
    };
    let sessions = rows.into_iter().map(|row| row.session).collect();
    Ok((Page::from_overfetch(sessions, limit, position_of), total.unsigned_abs()))
}

static COLUMNS: LazyLock<String> = LazyLock::new(|| columns::<Entity>("chat_sessions"));

const NEWEST_FIRST: &str = "ORDER BY last_activity DESC, id DESC";

/// A session, and how many there are.
struct Counted {
    session: Model,
    total: i64,
}

impl Ordered for Counted {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        Ok(Self { session: Model::read(columns)?, total: columns.next()? })
    }
}

struct Total(i64);

impl Ordered for Total {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        columns.next().map(Self)
    }
}

fn position_of(session: &Model) -> Position {
    Position { last_activity: session.last_activity, id: session.id }
}

/// Which sessions match a filter.
struct Matching {
    conditions: String,
    values: Vec<sea_orm::Value>,
}

impl Matching {
    fn new(user_id: UserId, filter: &Filter) -> Self {
        let conditions = "user_id = $1 AND deleted_at IS NULL".to_owned();
        let mut this = Self { conditions, values: vec![user_id.into()] };
        this.and_if(filter.agent_id, "agent_id =");
        this.and_if(filter.status, "status =");
        this.and_if(filter.min_messages, "total_messages >=");
        this.and_if(filter.created_after, "created_at >");
        this.and_if(filter.created_before, "created_at <");
        if let Some(text) = &filter.search {
            let text = this.value(text.as_str());
            // Not LIKE, in which some characters are not themselves.
            this.and(&format!("strpos(title_folded, fold_text({text})) > 0"));
        }
        this
    }

    fn and_if(&mut self, value: Option<impl Into<sea_orm::Value>>, comparison: &str) {
        if let Some(value) = value {
            let value = self.value(value);
            self.and(&format!("{comparison} {value}"));
        }
    }

    fn and(&mut self, condition: &str) {
        self.conditions.push_str(" AND ");
        self.conditions.push_str(condition);
    }

    /// Adds a value, and says how the statement names it.
    fn value(&mut self, value: impl Into<sea_orm::Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn statement(self, sql: String) -> Statement {
        Statement::from_sql_and_values(DbBackend::Postgres, sql, self.values)
    }
}
