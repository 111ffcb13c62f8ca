//! Links in prose: names that the reference or the catalogue of errors explains.

use std::collections::HashMap;

/// How prose names the catalogue, and where that lies for the reference.
const CATALOGUE: [&str; 2] = ["docs/errors.md", "[docs/errors.md](errors.md)"];

/// Where names lead, by name.
#[derive(Debug, Default)]
pub(super) struct Links(HashMap<String, String>);

impl Links {
    /// To the reasons that calls fail with. Those that are codes as well mostly mean
    /// the code.
    pub(super) fn of_reasons(errors: &str) -> Self {
        let names = errors.lines().filter_map(|line| {
            let (id, rest) = line.strip_prefix("| <a id=\"")?.split_once("\"></a>`")?;
            Some((rest.split_once('`')?.0, id))
        });
        let reasons = names.filter(|(name, _)| !is_code(name));
        Self(reasons.map(|(name, id)| (name.to_owned(), format!("errors.md#{id}"))).collect())
    }

    /// To a heading of the reference, or what stands below it.
    pub(super) fn add(&mut self, name: &str, heading: &str) {
        self.0.insert(name.to_owned(), format!("#{}", heading.to_lowercase()));
    }

    pub(super) fn get(&self, name: &str) -> String {
        match self.0.get(name) {
            Some(target) => format!("[{name}]({target})"),
            None => name.to_owned(),
        }
    }

    /// Links the names that can't be taken for ordinary words, outside of code.
    pub(super) fn in_prose(&self, text: &str) -> String {
        let mut linked = String::new();
        for (n, part) in text.split('`').enumerate() {
            let is_code = n % 2 == 1;
            if is_code {
                linked.extend(["`", part, "`"]);
            } else {
                let [name, link] = CATALOGUE;
                linked.push_str(&self.in_words(part).replace(name, link));
            }
        }
        linked
    }

    fn in_words(&self, text: &str) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut linked = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|c| !is_part(c)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            linked.push_str(before);
            linked.push_str(&if is_name(word) { self.get(word) } else { word.to_owned() });
            rest = after;
        }
        linked + rest
    }
}

/// Whether it has a capital, or an underscore, within.
fn is_name(word: &str) -> bool {
    word.contains('_') || word.bytes().skip(1).any(|it| it.is_ascii_uppercase())
}

fn is_code(name: &str) -> bool {
    let codes = (1..=16).map(tonic::Code::from_i32);
    codes.into_iter().any(|code| format!("{code:?}").to_uppercase() == name.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_prose_are_linked_and_words_are_not() {
        let errors = "| <a id=\"table_exists\"></a>`TABLE_EXISTS` | ALREADY_EXISTS | no |\n\
                      | <a id=\"not_found\"></a>`NOT_FOUND` | NOT_FOUND | no |";
        let mut links = Links::of_reasons(errors);
        links.add("Run", "Run");
        links.add("GetRun", "GetRun");

        let linked = |text| links.in_prose(text);

        assert_eq!(linked("Run `GetRun`, GetRun."), "Run `GetRun`, [GetRun](#getrun).");
        assert_eq!(
            linked("NOT_FOUND, TABLE_EXISTS: see docs/errors.md."),
            "NOT_FOUND, [TABLE_EXISTS](errors.md#table_exists): see [docs/errors.md](errors.md)."
        );
    }
}
