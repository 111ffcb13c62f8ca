//! What a page costs in a long conversation: the same wherever it lies.

use sea_orm::ConnectionTrait as _;
use serde_json::Value;
use storage::{Database, SessionId, UserId, messages::Range};

use crate::harness::Harness;

const MESSAGES: i64 = 50_000;
const PER_PAGE: i64 = 20;
const INDEX: &str = "messages_chat_session_id_sequence_order_key";

/// How PostgreSQL executed a statement.
struct Explained(Value);

impl Explained {
    /// The top node of the plan, and all below it.
    fn nodes(&self) -> Vec<&Value> {
        let mut nodes = vec![&self.0["Plan"]];
        let mut next = 0;
        while let Some(node) = nodes.get(next).copied() {
            nodes.extend(node["Plans"].as_array().into_iter().flatten());
            next += 1;
        }
        nodes
    }

    /// How many pages of tables and indexes it looked at.
    fn blocks(&self) -> i64 {
        let top = &self.0["Plan"];
        number(&top["Shared Hit Blocks"]) + number(&top["Shared Read Blocks"])
    }

    /// Asserts that the page was read from the index, and nothing besides it.
    #[track_caller]
    fn check(&self) {
        let is_of_messages = |it: &&Value| {
            text(&it["Relation Name"]) == "messages" || text(&it["Index Name"]) == INDEX
        };
        let nodes = self.nodes();
        let scans: Vec<&Value> = nodes.iter().copied().filter(is_of_messages).collect();
        let [scan] = scans[..] else { panic!("not one scan of messages: {:#}", self.0) };
        assert_eq!(text(&scan["Node Type"]), "Index Scan", "{:#}", self.0);
        assert_eq!(text(&scan["Index Name"]), INDEX, "{:#}", self.0);
        assert_eq!(number(&scan["Actual Loops"]), 1, "{:#}", self.0);
        assert_eq!(number(&scan["Rows Removed by Filter"]), 0, "{:#}", self.0);
        let largest = nodes.iter().map(|node| number(&node["Actual Rows"])).max();
        assert_eq!(largest, Some(PER_PAGE), "{:#}", self.0);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// PostgreSQL 18 counts rows in fractions.
fn number(value: &Value) -> i64 {
    value.as_f64().unwrap_or_default().ceil() as i64
}

/// Executes the statement of a page, planned for its values or for any.
async fn explain(db: &Database, session_id: i64, range: Range, mode: &str) -> Explained {
    let Range { after_sequence, skip, limit, descending: _ } = range;
    let sql = storage::messages::list_statement(UserId(1), SessionId(session_id), range).sql;
    for statement in [
        format!("SET plan_cache_mode = {mode}"),
        format!("PREPARE page (bigint, bigint, bigint, bigint, bigint) AS {sql}"),
    ] {
        db.execute_unprepared(&statement).await.expect("the statement is right");
    }
    let explain = sea_orm::Statement::from_string(
        sea_orm::DbBackend::Postgres,
        format!(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
             EXECUTE page ({session_id}, 1, {after_sequence}, {skip}, {limit})"
        ),
    );
    let row = db.query_one_raw(explain).await.expect("the statement is right");
    db.execute_unprepared("DEALLOCATE page").await.expect("it was prepared");
    let row = row.expect("a plan is one row");
    let plans: Value = row.try_get_by_index(0).expect("a plan is JSON");
    Explained(plans[0].clone())
}

#[tokio::test]
async fn the_last_page_of_a_long_conversation_costs_what_the_first_costs() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent_id = api.agent().await;
    let session_id = api.session(agent_id, "long").await.id;
    let neighbour = api.session(agent_id, "short").await.id;
    super::fill(&harness, session_id, MESSAGES).await;
    super::fill(&harness, neighbour, 100).await;
    harness.db.execute_unprepared("ANALYZE chat_sessions, runs, messages").await.unwrap();
    let db = storage::connect(&harness.database_url, 1).await.unwrap();
    let first = Range { after_sequence: 0, skip: 0, limit: PER_PAGE, descending: false };
    let last = Range { skip: MESSAGES - PER_PAGE, ..first };

    for mode in ["force_custom_plan", "force_generic_plan"] {
        let cheap = explain(&db, session_id, first, mode).await;
        cheap.check();
        for range in [
            last,
            Range { after_sequence: MESSAGES / 2, ..first },
            Range { descending: true, ..first },
            Range { descending: true, ..last },
        ] {
            let page = explain(&db, session_id, range, mode).await;
            page.check();
            let (blocks, bound) = (page.blocks(), cheap.blocks() + 3);
            assert!(blocks <= bound, "{range:?} touches {blocks} blocks, the first {bound} - 3");
        }
    }
}
