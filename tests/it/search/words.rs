//! By words.

use proto::v1::SearchMode;
use tonic::Code;

use super::{found, search, talked};
use crate::harness::{Expect as _, Harness, Said};

/// Asserts what each search finds, in the order of their ids.
async fn check(harness: &Harness, cases: &[(&str, &[&str])]) {
    for (query, expected) in cases {
        let mut found = found(&harness.api(1), search(query, SearchMode::Text)).await;
        found.sort();
        assert_eq!(&found, expected, "{query}");
    }
}

#[tokio::test]
async fn accents_and_case_make_no_difference() {
    let (harness, _) = talked(&[("Qual a MÉDIA das vendas?", "a media aritmética")]).await;
    let both: &[&str] = &["Qual a MÉDIA das vendas?", "a media aritmética"];

    check(
        &harness,
        &[
            ("média", both),
            ("media", both),
            ("MÉDIA", both),
            ("me\u{301}dia", both),
            ("Médias", both),
            ("aritmetica", &["a media aritmética"]),
            ("ARITMÉTICA", &["a media aritmética"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn forms_of_a_word_are_the_same_word_in_both_languages() {
    let (harness, _) = talked(&[
        ("relatório de vendas por região", "running totals of the categories"),
        ("as informações dos clientes", "a category was added"),
    ])
    .await;

    check(
        &harness,
        &[
            ("relatórios", &["relatório de vendas por região"]),
            ("venda regiões", &["relatório de vendas por região"]),
            ("informação do cliente", &["as informações dos clientes"]),
            ("run", &["running totals of the categories"]),
            ("category", &["a category was added", "running totals of the categories"]),
            ("adding categories", &["a category was added"]),
            // One in each language, with stop words of both.
            ("the vendas por the region", &[]),
            ("the report", &[]),
            ("the total of a category", &["running totals of the categories"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn all_words_must_occur_unless_or_stands_between_them() {
    let (harness, _) =
        talked(&[("sales by month", "sales by year"), ("costs by month", "month by month")]).await;

    check(
        &harness,
        &[
            ("sales month", &["sales by month"]),
            ("sales or costs", &["costs by month", "sales by month", "sales by year"]),
            ("sales year OR costs", &["costs by month", "sales by year"]),
            ("or sales or", &["sales by month", "sales by year"]),
            ("month -sales", &["costs by month", "month by month"]),
            ("month -sale -cost", &["month by month"]),
            ("month -\"by month\"", &[]),
            ("sales -years", &["sales by month"]),
            ("\"sales by\"", &["sales by month", "sales by year"]),
            ("\"month sales\"", &[]),
            ("sales -\"month sales\"", &["sales by month", "sales by year"]),
            ("\"month sales\" or \"sales by\" year", &["sales by year"]),
            ("\"by month\" -\"sales by\"", &["costs by month", "month by month"]),
            ("-sales", &[]),
            ("sales -sales", &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_excluded_in_one_language_is_not_found_by_the_other() {
    let (harness, _) = talked(&[("running sales", "sales"), ("vender carros", "carros")]).await;

    check(&harness, &[("sales -runs", &["sales"]), ("carros -vendendo", &["carros"])]).await;
}

#[tokio::test]
async fn anything_can_be_searched_for_and_finds_what_it_says() {
    let (harness, _) = talked(&[
        ("it's 50% of a&b | c:d (e) <f> \\g !h *i", "SELECT \"x\" FROM \"e-mail\""),
        ("日本語のテキスト", "👍 emoji"),
    ])
    .await;

    for query in [
        "'",
        "''",
        "\"",
        "\\",
        ":",
        "&",
        "|",
        "!",
        "(",
        ")",
        "<->",
        ":*",
        "--",
        "-",
        "- -",
        "-\"",
        "\"\"",
        "the",
        "de a o",
        "não -é",
        "or",
        "or or",
        "%",
        "_",
        "'; DROP TABLE messages; --",
        "a:b:c",
        "\u{1}",
        "\u{202e}",
        "👍",
        "!!x",
        "x & !y",
        "((",
        "\"unclosed",
        "'a' <2> 'b'",
        "owner:1",
        "$1",
        "{}",
        "\t\n x",
    ] {
        found(&harness.api(1), search(query, SearchMode::Text)).await;
    }
    let first = "it's 50% of a&b | c:d (e) <f> \\g !h *i";
    check(
        &harness,
        &[
            ("it's 50%", &[first]),
            ("e-mail", &["SELECT \"x\" FROM \"e-mail\""]),
            ("日本語のテキスト", &["日本語のテキスト"]),
            ("emoji", &["👍 emoji"]),
            ("the", &[]),
            ("de a o", &[]),
            (&"x".repeat(1_000), &[]),
            (&"a ".repeat(500), &[]),
            (&"x -y or \"z\" ".repeat(83), &["SELECT \"x\" FROM \"e-mail\""]),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_longest_answer_can_be_stored_and_found_by_its_beginning() {
    let words: Vec<String> = (0..60_000).map(|n| format!("wörd{n}ﷺ")).collect();
    let answer = words.join(" ");

    let (harness, _) = talked(&[("a question", &answer)]).await;

    let found = found(&harness.api(1), search("word17ﷺ", SearchMode::Text)).await;
    assert_eq!(found, [answer]);
}

#[tokio::test]
async fn a_phrase_is_found_behind_many_messages_that_have_its_words() {
    let (harness, session_id) = talked(&[("total sales", "12 rows")]).await;
    for _ in 0..501 {
        harness.say(Said::in_session(session_id, "sales in total", "some")).await;
    }

    check(&harness, &[("\"total sales\"", &["total sales"])]).await;
}

#[tokio::test]
async fn a_search_that_takes_too_long_is_ended() {
    let harness = Harness::without_worker().await;
    // A server that has a lot to do.
    harness
        .execute(
            "CREATE OR REPLACE FUNCTION fold_portuguese(value text) RETURNS text
            LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
            AS 'BEGIN PERFORM pg_sleep(60); RETURN value; END'",
        )
        .await;

    let request = search("sales", SearchMode::Text);
    let outcome = harness.api(1).sessions.clone().search_messages(request).await;

    outcome.refused(Code::Unavailable, "UNAVAILABLE");
}
