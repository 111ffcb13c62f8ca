//! Fenced blocks of Markdown.

const FENCE: &str = "```";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// Where its fence is in the text.
    pub(super) at: usize,
    /// Empty if none is given.
    pub(super) language: &'a str,
    pub(super) content: &'a str,
}

/// The blocks of the text; a last one without an end goes to the end.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(FENCE).map(|it| from + it) {
        let inside = &text[at + FENCE.len()..];
        let (content, rest) = inside.split_once(FENCE).unwrap_or((inside, ""));
        let (language, content) = language(content);
        blocks.push(Block { at, language, content: content.trim() });
        from = text.len() - rest.len();
    }
    blocks
}

fn language(content: &str) -> (&str, &str) {
    let length = content.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(content.len());
    let (word, rest) = content.split_at(length);
    let is_alone = rest.trim_start_matches([' ', '\r']).starts_with('\n');
    // On one line only the name of a language is one: ```SELECT 1``` has none.
    let is_known = ["sql", "json", "postgresql", "postgres"].contains(&word);
    if is_alone || is_known { (word, rest) } else { ("", content) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found: Vec<_> = blocks(text).iter().map(|it| (it.language, it.content)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_block_is_what_stands_between_fences() {
        check("a\n```sql\nSELECT 1\n```\nb\n```\nx\n```", &[("sql", "SELECT 1"), ("", "x")]);
        check("```sql\r\nSELECT 1", &[("sql", "SELECT 1")]);
        check("```SELECT 1```", &[("", "SELECT 1")]);
        check("```sql SELECT 1```", &[("sql", "SELECT 1")]);
        check("```", &[("", "")]);
        check("none", &[]);
    }
}
