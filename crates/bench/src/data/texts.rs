//! What is said: questions and answers about flights and penguins, in two languages, of the
//! lengths that people and models write.

use std::fmt::Write as _;

/// Answered from the live users' table by one statement.
pub(super) const LIVE_QUESTION: &str = "SELECT count(*) FROM penguins";
/// In every tenth title.
pub(super) const TITLE_WORD: &str = "Café";
/// In every fiftieth answer.
pub(super) const CONTENT_WORD: &str = "turbulência";

const PLACES: [&str; 16] = [
    "Lisboa",
    "Porto",
    "Faro",
    "Madrid",
    "Berlin",
    "Paris",
    "Recife",
    "Natal",
    "Boston",
    "Denver",
    "Oslo",
    "Torgersen",
    "Biscoe",
    "Dream",
    "Funchal",
    "São Paulo",
];
const MEASURES: [&str; 8] = [
    "average delay",
    "number of flights",
    "passengers carried",
    "share of cancellations",
    "atraso médio",
    "número de voos",
    "body mass",
    "fuel used",
];
const SPANS: [&str; 6] =
    ["last month", "in 2024", "this quarter", "desde janeiro", "por semana", "in December"];
const SUBJECTS: [&str; 5] = ["Atrasos", "Flights", "Receitas", "Penguins", "Ocupação"];

/// After so many turns the same is said again; see [`words`](super::words).
const DISTINCT: i64 = 4000;

/// All that is said.
pub(super) fn all() -> Vec<String> {
    let said = |turn| [text_of(turn, question), text_of(turn, answer)];
    (0..DISTINCT).flat_map(said).collect()
}

fn text_of(turn: i64, write: fn(&mut String, i64)) -> String {
    let mut text = String::new();
    write(&mut text, turn);
    text
}

/// A number that looks random, and is the same each time.
fn mixed(number: i64) -> usize {
    let mut mixed = number as u64 ^ 0x9e37_79b9_7f4a_7c15;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) as usize
}

fn one_of<'a>(texts: &[&'a str], number: usize) -> &'a str {
    texts[number % texts.len()]
}

pub(super) fn title(session: i64) -> String {
    let number = mixed(session);
    let (subject, place) = (one_of(&SUBJECTS, number), one_of(&PLACES, number >> 8));
    if session % 10 == 3 {
        return format!("{TITLE_WORD}: {subject} {place} {session}");
    }
    format!("{subject} {place} {session}")
}

/// Some 60 bytes.
pub(super) fn question(text: &mut String, turn: i64) {
    let turn = turn % DISTINCT;
    let number = mixed(turn);
    let (measure, span) = (one_of(&MEASURES, number), one_of(&SPANS, number >> 16));
    let place = one_of(&PLACES, number >> 8);
    write(text, format_args!("What was the {measure} of {place} {span}, ranked by {turn}?"));
}

/// Some 120 bytes.
pub(super) fn sql(text: &mut String, turn: i64) {
    let number = mixed(turn % DISTINCT);
    let place = one_of(&PLACES, number >> 8);
    write(
        text,
        format_args!(
            "SELECT carrier, avg(delay) AS delay FROM flights WHERE origin = '{place}' AND year = \
             {} GROUP BY carrier ORDER BY delay DESC LIMIT 10",
            2000 + number % 25
        ),
    );
}

/// Some 300 bytes.
pub(super) fn answer(text: &mut String, turn: i64) {
    let turn = turn % DISTINCT;
    let number = mixed(turn);
    let (measure, span) = (one_of(&MEASURES, number), one_of(&SPANS, number >> 16));
    let place = |shift: u32| one_of(&PLACES, number >> shift);
    let value = |shift: u32| (number >> shift) % 1000;
    write(
        text,
        format_args!(
            "The {measure} of {} {span} was {}.{}: {} more than the year before. {} came second \
             with {}, {} third with {}, and all others stayed below {}.",
            place(8),
            value(20),
            value(24) % 10,
            value(28) % 60,
            place(12),
            value(32),
            place(16),
            value(36),
            value(40),
        ),
    );
    text.push_str(
        " Only flights that have departed are counted, and a delay of less than a minute",
    );
    text.push_str(" is taken for none; the figures of the last week may still change.");
    if turn % 50 == 7 {
        write(text, format_args!(" There was {CONTENT_WORD} on {} of them.", value(44)));
    }
}

fn write(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn average(write: impl Fn(&mut String, i64)) -> usize {
        let mut all = String::new();
        (1..=1000).for_each(|turn| write(&mut all, turn));
        all.len() / 1000
    }

    #[test]
    fn texts_are_as_long_as_real_ones() {
        let lengths = [average(question), average(sql), average(answer)];

        for (length, expected) in lengths.into_iter().zip([50..75, 105..140, 270..330]) {
            assert!(expected.contains(&length), "{length} is not in {expected:?}");
        }
    }

    #[test]
    fn all_that_is_said_is_known() {
        let all: HashSet<String> = all().into_iter().collect();

        assert!((1..20_000).all(|turn| all.contains(&text_of(turn, answer))));
        assert!((1..20_000).all(|turn| all.contains(&text_of(turn, question))));
        assert!(DISTINCT < all.len() as i64);
    }

    #[test]
    fn a_search_finds_some_and_not_all() {
        let titles = (0..1000).filter(|it| title(*it).contains(TITLE_WORD)).count();
        let answers = (0..1000).filter(|turn| text_of(*turn, answer).contains(CONTENT_WORD));

        assert_eq!((titles, answers.count()), (100, 20));
    }
}
