//! The tables of a big schema that matter to a question.

use std::collections::HashMap;

use data_source::{Schema, schema::Table};

use super::interest::{Interest, likeness, split};
use crate::folding::fold;

const TABLE_NAME: f64 = 4.0;
const COLUMN_NAME: f64 = 1.5;
const REMARK: f64 = 1.0;
/// Of a table that a statement before has used.
const USED: f64 = 12.0;
/// What a table gives on to those that its keys join it with.
const NEIGHBOUR: f64 = 0.5;

/// The places of the tables that have any worth, the best first.
pub(super) fn ranked(schema: &Schema, interest: &Interest) -> Vec<usize> {
    let mut likenesses =
        Likenesses { interest, of_texts: HashMap::new(), of_words: HashMap::new() };
    let matches: Vec<Vec<f64>> =
        schema.tables.iter().map(|it| matches(it, &mut likenesses)).collect();
    let rarity = rarity(&matches, interest.words.len());
    let own: Vec<f64> = schema
        .tables
        .iter()
        .zip(&matches)
        .map(|(table, matches)| {
            let words = matches.iter().zip(&interest.words).zip(&rarity);
            let said: f64 = words.map(|((it, (_, worth)), rarity)| it * worth * rarity).sum();
            said + used(table, interest)
        })
        .collect();
    let worth = with_neighbours(schema, &own);
    let mut ranked: Vec<usize> = (0..worth.len()).filter(|&it| worth[it] > 0.0).collect();
    ranked.sort_by(|&a, &b| worth[b].total_cmp(&worth[a]));
    ranked
}

/// Which words of interest are like a text of the schema, and how much.
type Alike = Vec<(usize, f64)>;

/// Every text and every word of the schema is looked at once, however many tables have it.
struct Likenesses<'a> {
    interest: &'a Interest,
    of_texts: HashMap<&'a str, Alike>,
    of_words: HashMap<String, Alike>,
}

impl<'a> Likenesses<'a> {
    fn of(&mut self, text: &'a str) -> &[(usize, f64)] {
        let Self { interest, of_texts, of_words } = self;
        of_texts.entry(text).or_insert_with(|| {
            let mut alike = Vec::new();
            for word in split(text) {
                let of_word = of_words.entry(word);
                let of_word = of_word.or_insert_with_key(|it| alike_to(it, interest));
                alike.extend_from_slice(of_word);
            }
            alike
        })
    }
}

fn alike_to(word: &str, interest: &Interest) -> Alike {
    let words = interest.words.iter().enumerate();
    let all = words.map(|(at, (it, _))| (at, likeness(it, word)));
    all.filter(|(_, likeness)| *likeness > 0.0).collect()
}

/// How well each of the words matches the table.
fn matches<'a>(table: &'a Table, likenesses: &mut Likenesses<'a>) -> Vec<f64> {
    let mut best = vec![0.0_f64; likenesses.interest.words.len()];
    let mut add = |text: &'a str, worth: f64| {
        for (at, likeness) in likenesses.of(text) {
            best[*at] = best[*at].max(likeness * worth);
        }
    };
    add(&table.name, TABLE_NAME);
    add(&table.schema, REMARK);
    add(table.comment.as_deref().unwrap_or_default(), REMARK);
    for column in &table.columns {
        add(&column.name, COLUMN_NAME);
        add(column.comment.as_deref().unwrap_or_default(), REMARK);
        column.labels.iter().chain(&column.samples).for_each(|it| add(it, REMARK));
    }
    best
}

/// A word that every table has says little about any.
fn rarity(matches: &[Vec<f64>], words: usize) -> Vec<f64> {
    let tables = matches.len() as f64;
    let having = |word: usize| matches.iter().filter(|it| it[word] > 0.0).count();
    (0..words).map(|word| (1.0 + tables / having(word).max(1) as f64).ln()).collect()
}

fn used(table: &Table, interest: &Interest) -> f64 {
    interest.used.get(&fold(&table.name)).map_or(0.0, |worth| worth * USED)
}

fn with_neighbours(schema: &Schema, own: &[f64]) -> Vec<f64> {
    let places: HashMap<(&str, &str), usize> = schema
        .tables
        .iter()
        .enumerate()
        .map(|(at, it)| ((it.schema.as_str(), it.name.as_str()), at))
        .collect();
    let mut worth = own.to_vec();
    for (from, table) in schema.tables.iter().enumerate() {
        for key in &table.foreign_keys {
            let Some(&to) = places.get(&(key.schema.as_str(), key.table.as_str())) else {
                continue;
            };
            worth[to] = worth[to].max(own[to] + own[from] * NEIGHBOUR);
            worth[from] = worth[from].max(own[from] + own[to] * NEIGHBOUR);
        }
    }
    worth
}
