//! What a model is told to sum a conversation up.

use super::{
    budget::{Budget, shortened},
    fence::Fence,
    message, rules, section, turns,
};
use crate::{
    Conversation,
    openai::request::{Message, Role},
};

pub(in super::super) fn summary(
    conversation: &Conversation<'_>,
    max_tokens: usize,
    fence: &Fence,
) -> Vec<Message> {
    let mut budget = Budget::new(max_tokens.saturating_sub(128));
    let system = format!("{}\n- {}", rules::SUMMARY, rules::on_data(fence));
    budget.spend(&system);
    let before = fence.around(&shortened(conversation.summary, max_tokens / 4));
    let before = section("What was said before, in short:", &before);
    budget.spend(&before);
    let turns = turns::recent(conversation.turns, fence, &mut budget);
    let turns = section("The turns after that:", &turns);
    let user = format!("{before}{turns}Sum all of it up.");
    vec![message(Role::System, system), message(Role::User, user)]
}
