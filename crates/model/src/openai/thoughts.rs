//! Takes out what a model thinks aloud before it answers.

const TAGS: [(&str, &str); 2] = [("<think>", "</think>"), ("<thinking>", "</thinking>")];

/// Passes text on, piece by piece, without a thought at its start.
#[derive(Debug, Default)]
pub(super) struct Thoughts {
    /// What can't be told yet to be thought or said.
    held: String,
    /// The end of the thought that is going on.
    end: Option<&'static str>,
    has_thought: bool,
    is_speaking: bool,
}

impl Thoughts {
    /// What of the text is said, as far as that can be told.
    pub(super) fn push(&mut self, text: &str) -> String {
        if self.is_speaking {
            return text.to_owned();
        }
        self.held.push_str(text);
        if let Some(end) = self.end {
            return self.after_thought(end);
        }
        let start = self.held.trim_start();
        if let Some((open, end)) = TAGS.iter().find(|(open, _)| start.starts_with(open)) {
            self.held = start[open.len()..].to_owned();
            (self.end, self.has_thought) = (Some(*end), true);
            return self.after_thought(end);
        }
        if TAGS.iter().any(|(open, _)| open.starts_with(start)) {
            return String::new();
        }
        self.is_speaking = true;
        self.said()
    }

    /// What was held back at the end of the text; a thought without end is not said.
    pub(super) fn finish(&mut self) -> String {
        if self.end.is_some() { String::new() } else { self.said() }
    }

    /// Blank lines behind a thought belong to it.
    fn said(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        if self.has_thought { held.trim_start().to_owned() } else { held }
    }

    fn after_thought(&mut self, end: &str) -> String {
        match self.held.find(end) {
            Some(at) => {
                let said = self.held[at + end.len()..].trim_start().to_owned();
                self.held.clear();
                self.end = None;
                // Another thought may follow, and so may blank lines.
                if said.is_empty() { String::new() } else { self.push(&said) }
            }
            None => {
                // Only the start of the end has to be kept.
                let mut keep = self.held.len().saturating_sub(end.len());
                while !self.held.is_char_boundary(keep) {
                    keep -= 1;
                }
                self.held.drain(..keep);
                String::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        for size in 1..=text.chars().count().max(1) {
            let mut thoughts = Thoughts::default();
            let chars: Vec<char> = text.chars().collect();
            let pieces = chars.chunks(size).map(|it| it.iter().collect::<String>());
            let said: String = pieces.map(|it| thoughts.push(&it)).collect();
            assert_eq!(said + &thoughts.finish(), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn thoughts_before_the_answer_are_not_said() {
        check("<think>hm, é</think>\n\nyes", "yes");
        check("\n<thinking>a < b </think> </thinking>yes", "yes");
        check("<think></think><think>again</think> yes", "yes");
        check("<think>without end", "");
    }

    #[test]
    fn what_is_no_thought_is_said_to_the_letter() {
        check("", "");
        check("  a <think>b</think>", "  a <think>b</think>");
        check("<thin", "<thin");
        check("< 5", "< 5");
        check("é", "é");
    }
}
