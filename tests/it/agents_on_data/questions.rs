use proto::v1::{self as pb, RunState};

use super::{Conversation, metadata};

#[tokio::test]
async fn sql_typed_as_the_question_is_executed() {
    let chat = Conversation::on_penguins().await;

    let (run, answer) =
        chat.ask("SELECT species, count(*) FROM penguins GROUP BY 1 ORDER BY 1;").await;

    assert_eq!(
        answer.content,
        "| species | count |\n| --- | --- |\n| Adelie | 152 |\n| Chinstrap | 68 |\n| Gentoo | 124 |"
    );
    let schema = format!("ds_{}", chat.data_source_id);
    assert!(run.sql_query.contains(&schema), "tables are qualified: {}", run.sql_query);
    assert_eq!((run.row_count, run.truncated, run.attempts), (3, false, 1));
    assert_eq!(metadata(&answer), "row_count: 3, total_rows: 3, truncated: false");
}

#[tokio::test]
async fn a_question_in_portuguese_is_grouped() {
    let chat = Conversation::on_penguins().await;

    let (run, answer) = chat.ask("Qual a média de body_mass_g por species?").await;

    assert_eq!(
        answer.content,
        "| species | avg |\n| --- | --- |\n| Adelie | 3700.66 |\n| Chinstrap | 3733.09 |\n\
         | Gentoo | 5076.02 |"
    );
    assert_eq!(run.row_count, 3);
    assert!(run.sql_query.contains("GROUP BY"), "{}", run.sql_query);
}

#[tokio::test]
async fn the_demos_facts_are_answered() {
    let chat = Conversation::on_the_demo().await;

    for (question, expected) in [
        ("Quantos registros tem na tabela penguins?", "344"),
        ("How many airports are there?", "3376"),
        ("Qual a média de body_mass_g em penguins?", "4201.75"),
        ("What is the maximum temp_max in seattle_weather?", "35.6"),
        ("SELECT date FROM seattle_weather ORDER BY temp_max DESC LIMIT 1", "2014-08-11"),
        ("How many different species are there?", "3"),
        ("Quantos airports com state TX?", "209"),
    ] {
        let (_, answer) = chat.ask(question).await;
        assert_eq!(answer.content, expected, "{question}");
    }
}

#[tokio::test]
async fn the_warmest_day_is_found_in_words() {
    let chat = Conversation::on_the_demo().await;

    let (run, answer) = chat.ask("List the seattle_weather with the highest temp_max").await;

    assert!(answer.content.contains("| 2014-08-11 |"), "{}", answer.content);
    assert!(answer.content.contains("| 35.6 |"), "{}", answer.content);
    assert!(run.sql_query.contains("ORDER BY temp_max DESC"), "{}", run.sql_query);
}

#[tokio::test]
async fn a_question_that_is_not_understood_is_answered_with_what_would_be() {
    let chat = Conversation::on_the_demo().await;

    for (question, expected) in [
        ("Qual é o sentido da vida?", "Não entendi"),
        ("What is the meaning of life?", "I did not understand"),
        ("Quantos unicórnios tem na tabela penguins?", "Não entendi “unicórnios”"),
    ] {
        let (run, answer) = chat.ask(question).await;
        assert!(answer.content.starts_with(expected), "{question}: {}", answer.content);
        assert!(answer.content.contains("\n- "), "no examples: {}", answer.content);
        assert_eq!((&*run.sql_query, run.row_count, run.error), ("", 0, None));
        assert_eq!(metadata(&answer), "");
    }
}

#[tokio::test]
async fn every_example_that_is_offered_is_answered() {
    let chat = Conversation::on_the_demo().await;
    let (_, english) = chat.ask("What is the meaning of life?").await;
    let (_, portuguese) = chat.ask("Qual é o sentido da vida?").await;
    let offered = format!("{}\n{}", english.content, portuguese.content);
    let examples: Vec<&str> = offered.lines().filter_map(|it| it.strip_prefix("- ")).collect();
    assert!(4 <= examples.len(), "{offered}");

    for example in examples {
        let (run, answer) = chat.ask(example).await;
        assert_ne!(run.sql_query, "", "{example}: {}", answer.content);
    }
}

#[tokio::test]
async fn a_table_imported_later_is_known_to_the_next_question() {
    let chat = Conversation::on_penguins().await;
    chat.ask_in_vain("SELECT * FROM later", "SQL_TABLE_NOT_ALLOWED").await;

    chat.api.import(chat.data_source_id, "later", "n\n1\n2\n").await.unwrap();

    let (_, answer) = chat.ask("How many rows are in later?").await;
    assert_eq!(answer.content, "2");
}

#[tokio::test]
async fn a_conversation_keeps_what_was_asked_and_how_it_was_answered() {
    let chat = Conversation::on_penguins().await;
    chat.ask("How many penguins are there?").await;
    chat.ask_in_vain("DELETE FROM penguins", "SQL_NOT_A_QUERY").await;
    chat.ask("What is the meaning of life?").await;

    let messages = chat.api.messages(chat.session_id).await;

    let places: Vec<i64> = messages.iter().map(|it| it.sequence_order).collect();
    assert_eq!(places, [1, 2, 3, 4, 5, 6]);
    let has_sql: Vec<bool> = messages.iter().map(|it| !it.sql_query.is_empty()).collect();
    assert_eq!(has_sql, [false, true, false, false, false, false]);
    assert_eq!(messages[2].content, "DELETE FROM penguins");
    let request = pb::ListRunsRequest { state: RunState::Failed.into(), ..Default::default() };
    let failed = chat.api.runs.clone().list_runs(request).await.unwrap().into_inner();
    assert_eq!(failed.runs.len(), 1);
}
