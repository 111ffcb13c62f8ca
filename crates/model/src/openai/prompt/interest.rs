//! What a conversation is about, as words that names can be compared with.

use std::collections::{BTreeMap, HashMap};

use super::budget::cut;
use crate::{Prompt, folding::fold};

/// Each is compared with every name of the schema.
const MAX_WORDS: usize = 150;
/// Of each question or statement.
const MAX_TEXT_TOKENS: usize = 1_000;
const QUESTION: f64 = 3.0;
const RECENT: f64 = 1.5;
const RELATED: f64 = 1.0;

/// Words that questions have whatever they are about.
const COMMON: &str = "the and for are was were how many much what which who when where why does did \
    has have had with from that this these those there their them they all any each per not can you \
    me show list give tell find get please more most less than between over under into out top \
    que qual quais quantos quantas quanto quanta como quando onde quem por para com sem dos das nos \
    nas uma uns umas mais menos entre sobre cada todos todas ha sao foi tem ter isso esse essa este \
    esta liste mostre diga do da de em no na os as um ou se";

/// Words and names with what each is worth.
#[derive(Debug, Default)]
pub(super) struct Interest {
    pub(super) words: Vec<(String, f64)>,
    /// The folded names, those of tables among them, in the statements before.
    pub(super) used: HashMap<String, f64>,
}

impl Interest {
    pub(super) fn of(prompt: &Prompt<'_>) -> Self {
        let mut words = BTreeMap::new();
        let mut used = HashMap::new();
        add(&mut words, prompt.question, QUESTION);
        add(&mut words, prompt.summary, RELATED);
        add(&mut words, prompt.instructions, RELATED);
        let recent = prompt.recent.iter().map(|it| (it, RECENT));
        for (turn, worth) in recent.chain(prompt.related.iter().map(|it| (it, RELATED))) {
            add(&mut words, &turn.question, worth);
            add_names(&mut used, turn.sql.as_deref().unwrap_or_default(), worth);
        }
        prompt.tried.iter().for_each(|it| add_names(&mut used, &it.sql, RECENT));
        let mut words: Vec<(String, f64)> = words.into_iter().collect();
        words.sort_by(|a, b| b.1.total_cmp(&a.1));
        words.truncate(MAX_WORDS);
        Self { words, used }
    }
}

fn add_names(used: &mut HashMap<String, f64>, sql: &str, worth: f64) {
    let sql = fold(cut(sql, MAX_TEXT_TOKENS));
    for name in sql.split(|c: char| !c.is_alphanumeric() && c != '_') {
        let known = used.entry(name.to_owned()).or_insert(worth);
        *known = known.max(worth);
    }
}

fn add(words: &mut BTreeMap<String, f64>, text: &str, worth: f64) {
    for word in split(cut(text, MAX_TEXT_TOKENS)) {
        if word.chars().count() > 1 && !COMMON.split_ascii_whitespace().any(|it| it == word) {
            let known = words.entry(word).or_insert(worth);
            *known = known.max(worth);
        }
    }
}

/// The folded words of a text or a name; `orderItems` and `order_items` have two.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(text.len() + 8);
    let mut was_small = false;
    for c in text.chars() {
        if was_small && c.is_uppercase() {
            spaced.push(' ');
        }
        was_small = c.is_lowercase() || c.is_numeric();
        spaced.push(c);
    }
    let folded = fold(&spaced);
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|it| !it.is_empty());
    words.map(str::to_owned).collect()
}

/// How alike two folded words are, from 0 to 1: singular and plural nearly are.
pub(super) fn likeness(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    if a.as_bytes().first() != b.as_bytes().first() {
        return 0.0;
    }
    let is_plural = |one: &str, many: &str| {
        one.strip_suffix('y').is_some_and(|it| many.strip_suffix("ies") == Some(it))
    };
    if is_plural(a, b) || is_plural(b, a) {
        return 0.9;
    }
    let shared = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let (short, long) = (a.len().min(b.len()) - shared, a.len().max(b.len()) - shared);
    match (shared, short, long) {
        (3.., 0, 1) => 0.9,
        (4.., 0..=2, ..=3) => 0.7,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_and_folded() {
        assert_eq!(split("orderItems"), ["order", "items"]);
        assert_eq!(split("ORDER_ITEMS"), ["order", "items"]);
        assert_eq!(split("preço médio"), ["preco", "medio"]);
        assert_eq!(split("tbl2024Sales"), ["tbl2024", "sales"]);
    }

    #[test]
    fn singular_and_plural_are_alike_and_strangers_are_not() {
        for (a, b) in [
            ("order", "orders"),
            ("category", "categories"),
            ("pedido", "pedidos"),
            ("cliente", "clientes"),
            ("day", "days"),
            ("city", "cities"),
            ("regiao", "regioes"),
        ] {
            assert!(likeness(a, b) > 0.5 && likeness(b, a) > 0.5, "{a} {b}");
        }
        for (a, b) in
            [("order", "ordinary"), ("cat", "category"), ("id", "ids"), ("sale", "salmon")]
        {
            assert_eq!(likeness(a, b), 0.0, "{a} {b}");
        }
    }
}
