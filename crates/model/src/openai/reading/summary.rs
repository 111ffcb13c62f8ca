//! A summary and a title, cleaned of what is neither.

use super::{fences, json};
use crate::{
    Summarized, Usage,
    line::{one_line, shortened},
};

const SUMMARY: [&str; 3] = ["summary", "context_summary", "text"];
const TITLE: [&str; 2] = ["title", "name"];
const MAX_SUMMARY_CHARS: usize = 2_000;
const MAX_TITLE_CHARS: usize = 80;

/// `None` if nothing is said. Text that is no JSON is the summary.
pub(in super::super) fn summary(text: &str, usage: Usage) -> Option<Summarized> {
    let object = json::find(text, &[SUMMARY.as_slice(), &TITLE].concat()).map(|(_, it)| it);
    let (summary, title) = match &object {
        Some(object) => (json::text(object, &SUMMARY), json::text(object, &TITLE)),
        None => (Some(text), None),
    };
    let summary = cleaned(summary.unwrap_or_default());
    let title = to_title(title.unwrap_or(&summary));
    (!summary.is_empty()).then_some(Summarized { summary, title, usage })
}

fn cleaned(text: &str) -> String {
    let inside = fences::blocks(text)
        .into_iter()
        .find(|it| text.trim().starts_with("```") && !it.content.is_empty());
    let text = inside.map_or(text, |it| it.content);
    let kept = text.chars().filter(|c| !c.is_control() || *c == '\n');
    shortened(kept.collect::<String>().trim(), MAX_SUMMARY_CHARS)
}

fn to_title(text: &str) -> String {
    let is_decoration = |c: char| "\"'`“”‘’«»*#".contains(c) || c.is_whitespace();
    shortened(one_line(text).trim_matches(is_decoration), MAX_TITLE_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, summary: &str, title: &str) {
        let found = super::summary(text, Usage::default()).unwrap();
        assert_eq!((found.summary.as_str(), found.title.as_str()), (summary, title));
    }

    #[test]
    fn both_are_read_from_json_or_else_from_text() {
        check(
            r#"{"summary": "On penguins.", "title": "\"Penguins\""}"#,
            "On penguins.",
            "Penguins",
        );
        check("```json\n{\"summary\": \"On penguins.\"}\n```", "On penguins.", "On penguins.");
        check("On\u{7} penguins.\nAnd more.", "On penguins.\nAnd more.", "On penguins. And more.");
        check("```\nOn penguins.\n```", "On penguins.", "On penguins.");
    }

    #[test]
    fn both_are_bounded_and_the_title_is_one_line() {
        let long = "é ".repeat(3_000);
        let found = summary(
            &format!("{{\"summary\": \"{long}\", \"title\": \"a\\nb {long}\"}}"),
            Usage::default(),
        )
        .unwrap();
        assert_eq!(found.summary.chars().count(), MAX_SUMMARY_CHARS);
        assert_eq!(found.title.chars().count(), MAX_TITLE_CHARS);
        assert!(found.title.starts_with("a b é"));
    }

    #[test]
    fn nothing_is_no_summary() {
        for text in ["", " \n\u{0}", "{\"summary\": \"\", \"title\": \"x\"}", "{\"title\": \"x\"}"]
        {
            assert_eq!(summary(text, Usage::default()), None);
        }
    }
}
