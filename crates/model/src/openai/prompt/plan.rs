//! What a model is told to plan with.

use super::{
    budget::{Budget, shortened, tokens},
    fence::Fence,
    interest::Interest,
    message, rules, schema, section, turns,
};
use crate::{
    Prompt,
    openai::request::{Message, Role},
};

/// For the roles of messages, and the markers around what is in them.
const MARGIN_TOKENS: usize = 160;

/// The last message is the question alone, or what became of the last attempt at it.
pub(in super::super) fn plan(
    prompt: &Prompt<'_>,
    max_tokens: usize,
    fence: &Fence,
) -> Vec<Message> {
    let mut budget = Budget::new(max_tokens.saturating_sub(MARGIN_TOKENS));
    let mut system = format!("{}\n- {}\n\n", rules::PLAN, rules::on_data(fence));
    budget.spend(&system);
    let question = shortened(prompt.question, max_tokens / 4);
    budget.spend(&question);
    let tried = tried(prompt, fence, &mut Budget::new(max_tokens / 4));
    tried.iter().for_each(|it| budget.spend(&it.content));
    let instructions = shortened(prompt.instructions, (max_tokens / 8).min(budget.left() / 2));
    let instructions = section(rules::INSTRUCTIONS, &instructions);
    budget.spend(&instructions);
    let (tables, context) = known(prompt, fence, budget);

    system += &instructions;
    system += if tables.is_empty() { "There are no tables." } else { &tables };
    let mut messages = vec![message(Role::System, system)];
    if !context.is_empty() {
        messages.push(message(Role::User, context));
        // Some models insist on taking turns.
        messages.push(message(Role::Assistant, "I keep that in mind. What is the question?"));
    }
    messages.push(message(Role::User, question));
    messages.extend(tried);
    messages
}

/// The tables, and what was said before: that has a third of the room if it needs it,
/// and what the tables leave.
fn known(prompt: &Prompt<'_>, fence: &Fence, mut budget: Budget) -> (String, String) {
    let least = context(prompt, fence, &mut Budget::new(budget.left() / 3));
    let for_tables = budget.left().saturating_sub(tokens(&least));
    let tables = schema::schema(prompt.schema, &Interest::of(prompt), for_tables);
    let tables = section("The tables:", &fence.around(&tables));
    budget.spend(&tables);
    (tables, context(prompt, fence, &mut budget))
}

/// What was said before: the recent turns first if there is not room for all.
fn context(prompt: &Prompt<'_>, fence: &Fence, budget: &mut Budget) -> String {
    let headings = [
        "The conversation so far, in short:",
        "Questions of other conversations that resemble this one:",
        "The last turns of this conversation:",
    ];
    headings.iter().for_each(|it| budget.spend(it));
    let recent = turns::recent(prompt.recent, fence, budget);
    let related = turns::related(prompt.related, fence, budget);
    let summary = fence.around(&shortened(prompt.summary, budget.left().saturating_sub(32)));
    let summary = if budget.take(&summary) { summary } else { String::new() };
    let sections = [summary, related, recent];
    headings.iter().zip(&sections).map(|(heading, it)| section(heading, it)).collect()
}

/// The statements that failed, as the model's own; of many the last.
fn tried(prompt: &Prompt<'_>, fence: &Fence, budget: &mut Budget) -> Vec<Message> {
    let mut kept = Vec::new();
    for tried in prompt.tried.iter().rev() {
        let sql = shortened(&tried.sql, budget.left() / 2);
        let sql = serde_json::json!({"sql": sql, "reply": null}).to_string();
        let problem = fence.around(&turns::quoted(&tried.problem, 400));
        let problem = format!(
            "That statement did not succeed:\n{problem}\nCorrect it. Reply in the same form."
        );
        if !budget.take(&sql) || !budget.take(&problem) {
            break;
        }
        kept.push([message(Role::Assistant, sql), message(Role::User, problem)]);
    }
    kept.into_iter().rev().flatten().collect()
}
