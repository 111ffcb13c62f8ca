//! Earlier turns as a model reads them.

use super::{
    budget::{Budget, shortened},
    fence::Fence,
};
use crate::Turn;

const MAX_QUESTION_TOKENS: usize = 500;
const MAX_SQL_TOKENS: usize = 1_000;
const MAX_ANSWER_TOKENS: usize = 400;

/// The last turns, oldest first; what does not fit is the oldest.
pub(super) fn recent(turns: &[Turn], fence: &Fence, budget: &mut Budget) -> String {
    let mut kept: Vec<String> = Vec::new();
    for turn in turns.iter().rev() {
        let Some(text) = fitting(turn, fence, budget) else { break };
        kept.push(text);
    }
    kept.into_iter().rev().collect()
}

/// Turns of other conversations, the nearest first.
pub(super) fn related(turns: &[Turn], fence: &Fence, budget: &mut Budget) -> String {
    turns.iter().filter_map(|it| fitting(it, fence, budget)).collect()
}

/// The turn, if need be without its answer.
fn fitting(turn: &Turn, fence: &Fence, budget: &mut Budget) -> Option<String> {
    let whole = text(turn, turn.answer.as_deref(), fence);
    if budget.take(&whole) {
        return Some(whole);
    }
    let without_answer = text(turn, None, fence);
    budget.take(&without_answer).then_some(without_answer)
}

fn text(turn: &Turn, answer: Option<&str>, fence: &Fence) -> String {
    let mut text = format!("Question: {}\n", quoted(&turn.question, MAX_QUESTION_TOKENS));
    if let Some(sql) = &turn.sql {
        text += &format!("SQL: {}\n", fence.around(&quoted(sql, MAX_SQL_TOKENS)));
    }
    if let Some(answer) = answer {
        text += &format!("Answer: {}\n", fence.around(&quoted(answer, MAX_ANSWER_TOKENS)));
    }
    text + "\n"
}

/// As JSON, so that a text of many lines is one.
pub(super) fn quoted(text: &str, max_tokens: usize) -> String {
    serde_json::Value::String(shortened(text, max_tokens)).to_string()
}
