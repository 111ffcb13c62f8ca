//! What a model is told to put a result into words.

use data_source::Rows;
use serde_json::{Value, json};

use super::{
    budget::{Budget, shortened},
    fence::Fence,
    message, rules, section,
};
use crate::{
    Prompt,
    openai::request::{Message, Role},
};

/// Of one value; a document is not what an answer is made of.
const MAX_VALUE_TOKENS: usize = 300;

/// And how many of the rows are among it.
pub(in super::super) fn answer(
    prompt: &Prompt<'_>,
    sql: &str,
    rows: &Rows,
    max_tokens: usize,
    fence: &Fence,
) -> (Vec<Message>, usize) {
    let mut budget = Budget::new(max_tokens.saturating_sub(64));
    let mut system = format!("{}\n- {}\n\n", rules::ANSWER, rules::on_data(fence));
    let instructions = shortened(prompt.instructions, max_tokens / 8);
    system += &section(rules::INSTRUCTIONS, &instructions);
    let question = section("The question:", &shortened(prompt.question, max_tokens / 4));
    let ran = section("The SQL that was run:", &shortened(sql, max_tokens / 8));
    [&system, &question, &ran].into_iter().for_each(|it| budget.spend(it));
    // The longest note, and the markers.
    budget.spend(&"-".repeat(900));

    let (shown, data) = result(rows, &mut budget);
    let note = note(sql, rows, shown);
    let data = section("The result:", &fence.around(&data));
    let user = format!("{question}{ran}{data}{note}");
    (vec![message(Role::System, system), message(Role::User, user)], shown)
}

/// As many rows as fit, a line each, and their number.
fn result(rows: &Rows, budget: &mut Budget) -> (usize, String) {
    let columns: Vec<&str> = rows.columns.iter().map(|it| it.name.as_str()).collect();
    let columns = shortened(&json!({"columns": columns}).to_string(), budget.left() / 2);
    budget.spend(&columns);
    let mut data = columns + "\n";
    let mut shown = 0;
    for row in &rows.rows {
        let line = row.iter().map(|it| value(it.as_deref())).collect::<Value>().to_string() + "\n";
        if !budget.take(&line) {
            break;
        }
        data += &line;
        shown += 1;
    }
    (shown, data)
}

fn value(value: Option<&str>) -> Value {
    value.map_or(Value::Null, |it| Value::String(shortened(it, MAX_VALUE_TOKENS)))
}

/// What of the whole result the rows are; an answer must not take a part for it.
fn note(sql: &str, rows: &Rows, shown: usize) -> String {
    let read = rows.rows.len();
    let is_whole = rows.truncated_by.is_none() && shown == read;
    if is_whole {
        return match read {
            0 => "The result has no rows.".to_owned(),
            _ if stops_at(sql, read) => {
                format!("The statement itself stops at {read} rows; there may be more in the data.")
            }
            _ => format!("That is the whole result; it has {read} rows."),
        };
    }
    let total = match (rows.total_rows, rows.truncated_by) {
        (Some(total), _) => format!("The whole result has exactly {total} rows."),
        (None, None) => format!("The whole result has exactly {read} rows."),
        (None, Some(_)) => format!(
            "The whole result has more than {read} rows; how many is not known, so say \
             \"more than {read}\" and no other number."
        ),
    };
    format!(
        "These are only the first {shown} rows. {total} Say so in your answer. Never count, add \
         up or average these rows, and name no highest or lowest of them as that of the whole: the \
         rows that are not shown may change it. No total may be stated but the one given here."
    )
}

/// Whether the statement ends in a limit that the result has reached.
fn stops_at(sql: &str, rows: usize) -> bool {
    let sql = sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace()).to_lowercase();
    let words: Vec<&str> = sql.split_whitespace().collect();
    let limit = match words[..] {
        [.., "fetch", "first" | "next", limit, "row" | "rows", "only"]
        | [.., "limit", limit, "offset", _]
        | [.., "limit", limit] => limit,
        _ => return false,
    };
    limit.parse() == Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_at_the_end_that_is_reached_is_seen() {
        for sql in [
            "SELECT a FROM t LIMIT 5",
            "select a from t\nlimit 5 ;\n",
            "SELECT a FROM t LIMIT 5 OFFSET 10",
            "SELECT a FROM t FETCH FIRST 5 ROWS ONLY",
            "SELECT a FROM t FETCH NEXT 5 ROW ONLY",
        ] {
            assert!(stops_at(sql, 5) && !stops_at(sql, 4), "{sql}");
        }
        assert!(!stops_at("SELECT a FROM (SELECT a FROM t LIMIT 5) x", 5));
        assert!(!stops_at("SELECT a FROM t", 5));
    }
}
