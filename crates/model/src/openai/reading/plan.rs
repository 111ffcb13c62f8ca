//! A plan, however a model puts it: JSON, a fenced block, or a bare statement.

use serde_json::{Map, Value};

use super::{
    fences::{self, Block},
    json, sql,
};
use crate::Plan;

const SQL: [&str; 4] = ["sql", "query", "sql_query", "statement"];
const REPLY: [&str; 4] = ["reply", "answer", "text", "message"];

/// `None` if nothing is said.
pub(in super::super) fn plan(text: &str) -> Option<Plan> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if let Ok(Value::String(inner)) = serde_json::from_str(text) {
        return plan(&inner);
    }
    if let Some(statement) = sql::statement(text) {
        return Some(Plan::Query(statement));
    }
    let block = fences::blocks(text).into_iter().find_map(|it| Some((it.at, in_block(&it)?)));
    let names = [SQL, REPLY].concat();
    // A block within JSON is a part of it, and so is JSON within a block.
    if let Some((at, object)) = json::find(text, &names)
        && block.as_ref().is_none_or(|(fence, _)| at < *fence)
    {
        return from_object(&object);
    }
    if let Some((_, plan)) = block {
        return Some(plan);
    }
    if let Some(statement) = sql::on_a_line(text) {
        return Some(Plan::Query(statement));
    }
    // An object of another form is no sentence to show to anybody.
    let is_object = matches!(serde_json::from_str(text), Ok(Value::Object(_)));
    (!is_object).then(|| Plan::Reply(text.to_owned()))
}

fn in_block(block: &Block<'_>) -> Option<Plan> {
    let is_sql = ["sql", "postgresql", "postgres", "pgsql", "psql"]
        .iter()
        .any(|it| block.language.eq_ignore_ascii_case(it));
    if is_sql && !block.content.is_empty() {
        return Some(Plan::Query(sql::given(block.content)));
    }
    if let Some(statement) = sql::statement(block.content) {
        return Some(Plan::Query(statement));
    }
    json::find(block.content, &[SQL, REPLY].concat()).and_then(|(_, it)| from_object(&it))
}

fn from_object(object: &Map<String, Value>) -> Option<Plan> {
    let Some(text) = json::text(object, &SQL) else {
        return json::text(object, &REPLY).map(|it| Plan::Reply(it.to_owned()));
    };
    let fenced = fences::blocks(text).into_iter().find(|it| !it.content.is_empty());
    Some(Plan::Query(sql::given(fenced.map_or(text, |it| it.content))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_query(text: &str, expected: &str) {
        assert_eq!(plan(text), Some(Plan::Query(expected.to_owned())));
    }

    #[track_caller]
    fn is_reply(text: &str, expected: &str) {
        assert_eq!(plan(text), Some(Plan::Reply(expected.to_owned())));
    }

    #[test]
    fn json_is_read_wherever_it_is_and_whatever_it_is_called() {
        is_query(r#"{"sql": "SELECT 1", "reply": null}"#, "SELECT 1");
        is_query(r#"{"sql": "SELECT 1;", "reply": "One."}"#, "SELECT 1");
        is_query("Sure:\n```json\n{\"query\": \"SELECT 1\"}\n```\nDone.", "SELECT 1");
        is_query("Sure: {\"sql_query\": \"SELECT 1\"} Done.", "SELECT 1");
        is_query(r#"{"result": {"statement": "SELECT 1"}}"#, "SELECT 1");
        is_query(r#"[{"sql": "SELECT 1"}]"#, "SELECT 1");
        is_query(r#"{"sql": "```sql\nSELECT 1\n```"}"#, "SELECT 1");
        is_query(r#"Here: {"sql": "```sql\nSELECT 1\n```"}"#, "SELECT 1");
        is_query(r#"{"sql": "SELECT 1\\nFROM t"}"#, "SELECT 1\nFROM t");
        is_query(r#""{\"sql\": \"SELECT 1\"}""#, "SELECT 1");
        is_query(r#"{a} and {"sql": "SELECT 1"}"#, "SELECT 1");
        is_reply(r#"{"sql": null, "reply": "Which year?"}"#, "Which year?");
        is_reply(r#"{"sql": "", "answer": "Which year?"}"#, "Which year?");
        is_reply(r#"{"sql": "null", "message": "Which year?"}"#, "Which year?");
    }

    #[test]
    fn a_block_is_a_statement_if_it_says_so_or_looks_like_one() {
        is_query("Try:\n```sql\nSELECT 1;\n```\nIt counts.", "SELECT 1");
        is_query(
            "```\nWITH a AS (SELECT 1) SELECT * FROM a\n```",
            "WITH a AS (SELECT 1) SELECT * FROM a",
        );
        is_query(
            "```sql\nSELECT '{\"text\": \"x\"}'::json\n```",
            "SELECT '{\"text\": \"x\"}'::json",
        );
        is_query("```sql\nDROP TABLE t\n```", "DROP TABLE t");
        is_query("```python\nprint(1)\n```\n```sql\nSELECT 1\n```", "SELECT 1");
    }

    #[test]
    fn a_bare_statement_is_a_query() {
        is_query("SELECT count(*) FROM t;", "SELECT count(*) FROM t");
        is_query("select a from t", "select a from t");
        is_query("(SELECT 1) UNION (SELECT 2)", "(SELECT 1) UNION (SELECT 2)");
        is_query("SELECT `a` FROM t", "SELECT `a` FROM t");
        is_query("SELECT '{\"reply\": \"x\"}'", "SELECT '{\"reply\": \"x\"}'");
        is_query("VALUES (1)", "VALUES (1)");
        is_query("TABLE public.t", "TABLE public.t");
        is_query("-- counts\nSELECT 1", "-- counts\nSELECT 1");
        is_query("DELETE FROM t", "DELETE FROM t");
    }

    #[test]
    fn a_statement_is_found_on_a_line_of_its_own() {
        is_query("SQL: SELECT 1", "SELECT 1");
        is_query("**SQL Query:** `select a from t`", "select a from t");
        is_query("Here you are.\n\nSELECT a\nFROM t\n\nIt lists a.", "SELECT a\nFROM t");
    }

    #[test]
    fn anything_else_is_a_reply_and_nothing_is_nothing() {
        is_reply("Which year do you mean?", "Which year do you mean?");
        is_reply("With regard to penguins, which?", "With regard to penguins, which?");
        is_reply("I'd SELECT something: but what?", "I'd SELECT something: but what?");
        for text in ["", " \n", "{}", r#"{"sql": null, "reply": null}"#, r#"{"x": 1}"#, "\"\""] {
            assert_eq!(plan(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_full_of_braces_is_read_in_time() {
        is_reply(&"{\"".repeat(50_000), &"{\"".repeat(50_000));
    }
}
