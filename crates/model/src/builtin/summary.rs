//! A conversation in short: what was asked.

use crate::{
    Conversation, Summarized, Usage,
    line::{one_line, shortened},
};

const MAX_TITLE_CHARS: usize = 80;
const MAX_QUESTION_CHARS: usize = 200;
const MAX_SUMMARY_CHARS: usize = 2_000;

/// The questions, one a line; of more than there is room for, the last.
pub(super) fn summarize(conversation: &Conversation<'_>) -> Summarized {
    let questions = conversation.turns.iter().map(|turn| one_line(&turn.question));
    let lines: Vec<String> = conversation
        .summary
        .lines()
        .map(str::to_owned)
        .chain(questions.clone().map(|it| format!("- {}", shortened(&it, MAX_QUESTION_CHARS))))
        .collect();
    let mut room = MAX_SUMMARY_CHARS;
    let fits = |line: &&String| {
        let length = line.chars().count() + 1;
        room = room.saturating_sub(length);
        room > 0
    };
    let mut kept: Vec<&str> = lines.iter().rev().take_while(fits).map(String::as_str).collect();
    kept.reverse();
    let title = questions.map(|it| shortened(&it, MAX_TITLE_CHARS)).next().unwrap_or_default();
    Summarized { summary: kept.join("\n"), title, usage: Usage::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Turn;

    fn turns(questions: &[&str]) -> Vec<Turn> {
        let turn = |it: &&str| Turn { question: (*it).to_owned(), ..Turn::default() };
        questions.iter().map(turn).collect()
    }

    #[test]
    fn the_first_question_is_the_title_on_one_line() {
        let turns = turns(&["How many\n penguins?", "And per island?"]);
        let summarized = summarize(&Conversation { summary: "", turns: &turns });
        assert_eq!(summarized.title, "How many penguins?");
        assert_eq!(summarized.summary, "- How many penguins?\n- And per island?");
    }

    #[test]
    fn a_long_question_is_cut_and_so_is_a_long_conversation() {
        let long = "é".repeat(500);
        let many = vec![long.as_str(); 50];
        let turns = turns(&many);
        let summarized = summarize(&Conversation { summary: "- the oldest", turns: &turns });
        assert_eq!(summarized.title.chars().count(), MAX_TITLE_CHARS);
        assert!(summarized.summary.chars().count() <= MAX_SUMMARY_CHARS);
        assert!(!summarized.summary.contains("oldest"));
    }

    #[test]
    fn a_summary_goes_on_from_the_one_before() {
        let turns = turns(&["second"]);
        let summarized = summarize(&Conversation { summary: "- first", turns: &turns });
        assert_eq!(summarized.summary, "- first\n- second");
    }
}
