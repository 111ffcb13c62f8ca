//! Statements that nobody wrote: those of all lists, with words taken out, doubled,
//! swapped, and put in from elsewhere.

use std::time::{Duration, Instant};

use data_source::{Schema, guard};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::{ATTACKS, Database, PUBLIC_ATTACKS, PUBLIC_LEGITIMATE, QUESTIONS, lines};

const SEED: u64 = 20_260_726;
const TIME: Duration = Duration::from_secs(2);

/// Words and symbols, roughly: what a mutation takes for one need not be one.
fn words(sql: &str) -> Vec<&str> {
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let mut words = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let end = if is_word(first) { rest.find(|it| !is_word(it)) } else { None };
        let end = if is_word(first) { end.unwrap_or(rest.len()) } else { first.len_utf8() };
        words.push(&rest[..end]);
        rest = &rest[end..];
    }
    words
}

fn mutated<'a>(random: &mut StdRng, statement: &[&'a str], others: &[&'a str]) -> String {
    let mut words = statement.to_vec();
    for _ in 0..random.random_range(1..4) {
        if words.is_empty() {
            break;
        }
        let at = random.random_range(0..words.len());
        let other = random.random_range(0..words.len());
        match random.random_range(0..4) {
            0 => drop(words.remove(at)),
            1 => words.insert(at, words[at]),
            2 => words.swap(at, other),
            _ => words[at] = others.choose(random).expect("there are words"),
        }
    }
    words.concat()
}

/// What is accepted is accepted again as it was printed, and printed the same.
#[track_caller]
fn check(sql: &str, schema: &Schema) -> bool {
    let Ok(query) = guard::check(sql, schema) else { return false };
    let again = guard::check(query.as_str(), schema);
    assert_eq!(again.as_ref(), Ok(&query), "seed {SEED}, statement: {sql}");
    true
}

#[tokio::test]
async fn whatever_is_accepted_is_accepted_again_as_it_was_printed() {
    let database = Database::with_tables().await;
    let lists = QUESTIONS.iter().map(|(_, list)| *list);
    let lists = lists.chain([PUBLIC_LEGITIMATE, PUBLIC_ATTACKS, ATTACKS]);
    let statements: Vec<_> = lists.flat_map(lines).map(|(_, sql)| words(sql)).collect();
    let all_words = statements.concat();
    let mut random = StdRng::seed_from_u64(SEED);

    let start = Instant::now();
    let (mut accepted, mut tried) = (0, 0);
    while start.elapsed() < TIME {
        let statement = statements.choose(&mut random).expect("there are statements");
        tried += 1;
        accepted +=
            u32::from(check(&mutated(&mut random, statement, &all_words), &database.schema));
    }

    assert!(accepted > 20, "{accepted} of {tried}");
}
