//! How much a model can be told.

/// What a model's tokenizer makes of a text, from above: three bytes a token.
///
/// English has four or more to a token, SQL and JSON about three, and scripts that are
/// split finer have more bytes to a character. Every model counts differently, and
/// most don't say how, so the estimate errs towards leaving room.
pub(in super::super) fn tokens(text: &str) -> usize {
    text.len().div_ceil(3)
}

/// The start of the text that has no more than so many tokens.
pub(in super::super) fn cut(text: &str, max_tokens: usize) -> &str {
    let mut end = text.len().min(max_tokens.saturating_mul(3));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The same, where it shows that there was more.
pub(super) fn shortened(text: &str, max_tokens: usize) -> String {
    let start = cut(text, max_tokens);
    if start.len() == text.len() { text.to_owned() } else { format!("{start}…") }
}

/// Room that is used up as texts are added.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn new(tokens: usize) -> Self {
        Self(tokens)
    }

    pub(super) fn left(&self) -> usize {
        self.0
    }

    /// Uses room up, which a text may have more need of than there is.
    pub(super) fn spend(&mut self, text: &str) {
        self.0 = self.0.saturating_sub(tokens(text));
    }

    /// Uses room up only if there is enough.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let fits = tokens(text) <= self.0;
        if fits {
            self.spend(text);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("éééé", 1), "é");
        assert_eq!(cut("abc", 1), "abc");
        assert_eq!(cut("abcd", 1), "abc");
        assert_eq!(cut("", 0), "");
        assert_eq!(shortened("abcd", 1), "abc…");
        assert_eq!(shortened("abc", 1), "abc");
    }

    #[test]
    fn room_is_only_taken_if_there_is_enough() {
        let mut budget = Budget::new(2);
        assert!(!budget.take("1234567"));
        assert!(budget.take("1234"));
        assert_eq!(budget.left(), 0);
        assert!(budget.take(""));
        budget.spend("1");
        assert_eq!(budget.left(), 0);
    }
}
