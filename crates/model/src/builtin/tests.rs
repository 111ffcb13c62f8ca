//! What is understood, and what must not be.

mod recounted;
mod refused;
mod understood;

use data_source::{
    guard,
    rows::ResultColumn,
    schema::{Column, Kind, Table},
};
use futures::TryStreamExt as _;

use super::*;

/// A line for each table: its name, then its columns as `name:type`.
pub(super) fn schema(tables: &str) -> Schema {
    let tables = tables.lines().map(str::trim).filter(|it| !it.is_empty()).map(table);
    Schema { tables: tables.collect(), ..Schema::default() }
}

fn table(line: &str) -> Table {
    let (name, columns) = line.split_once(' ').unwrap();
    let column = |it: &str| {
        let (name, type_name) = it.split_once(':').unwrap();
        let kind = match type_name {
            "numeric" | "bigint" => Kind::Number,
            "text" => Kind::Text,
            "boolean" => Kind::Boolean,
            "date" | "timestamp" => Kind::Time,
            _ => Kind::Other,
        };
        Column {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            kind,
            nullable: true,
            comment: None,
            labels: Vec::new(),
            samples: Vec::new(),
        }
    };
    Table {
        schema: "ds_1".to_owned(),
        name: name.to_owned(),
        columns: columns.split(' ').map(column).collect(),
        comment: None,
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
    }
}

pub(super) fn demo() -> Schema {
    schema(
        "penguins species:text island:text bill_length_mm:numeric bill_depth_mm:numeric \
           flipper_length_mm:bigint body_mass_g:bigint sex:text year:bigint
         airports iata:text name:text city:text state:text country:text latitude:numeric \
           longitude:numeric
         seattle_weather date:date precipitation:numeric temp_max:numeric temp_min:numeric \
           wind:numeric weather:text",
    )
}

#[track_caller]
fn check(text: &str, sql: &str) {
    check_on(&demo(), text, sql);
}

#[track_caller]
fn check_on(schema: &Schema, text: &str, sql: &str) {
    match understand(text, schema) {
        Ok(query) => {
            assert_eq!(query.to_string(), sql);
            assert_eq!(guard::check(sql, schema).err(), None, "{sql}");
        }
        Err(problem) => panic!("{text}: {problem:?}"),
    }
}

fn reply(text: &str, schema: &Schema) -> String {
    let language = language(text);
    match understand(text, schema) {
        Ok(query) => panic!("{text}: {query}"),
        Err(problem) => help::help(&problem, language, schema, text),
    }
}

fn numbers(count: usize) -> Rows {
    let column = ResultColumn { name: "n".to_owned(), type_name: "int8".to_owned() };
    let rows = (1..=count).map(|it| vec![Some(it.to_string())]).collect();
    Rows { columns: vec![column], rows, ..Rows::default() }
}

fn question<'a>(text: &'a str, schema: &'a Schema) -> Prompt<'a> {
    Prompt {
        question: text,
        instructions: "",
        schema,
        summary: "",
        related: &[],
        recent: &[],
        tried: &[],
    }
}

async fn pieces(question: &Prompt<'_>, rows: &Rows) -> Vec<String> {
    let text = |piece| match piece {
        Piece::Text(text) => text,
        Piece::Usage(usage) => panic!("nothing that is local costs {usage:?}"),
    };
    Builtin.answer(question, "", rows).map_ok(text).try_collect().await.unwrap()
}

#[tokio::test]
async fn sql_and_questions_become_queries_and_the_rest_a_reply() {
    let schema = demo();
    let plan = async |text| Builtin.plan(&question(text, &schema)).await.unwrap().plan;

    let sql = plan("select 1;").await;
    let query = plan("How many penguins?").await;
    let reply = plan("update me on penguins").await;

    assert_eq!(sql, Plan::Query("select 1".to_owned()));
    assert_eq!(query, Plan::Query("SELECT count(*) FROM ds_1.penguins".to_owned()));
    assert!(matches!(reply, Plan::Reply(text) if text.contains("“update”")));
}

#[tokio::test]
async fn an_answer_is_in_the_language_of_the_question_and_owns_up_to_the_limit_of_a_list() {
    let schema = demo();
    let last_line = async |text, count| {
        let answer = pieces(&question(text, &schema), &numbers(count)).await.concat();
        answer.lines().last().unwrap_or_default().to_owned()
    };

    assert_eq!(last_line("Quantos penguins?", 1).await, "1");
    assert_eq!(last_line("Quantos penguins?", 0).await, "Nenhuma linha corresponde.");
    assert_eq!(last_line("select 'quantos'", 0).await, "No rows match.");
    let limited = "Showing 50 rows. The list ends at 100: there may be more.";
    assert_eq!(last_line("list penguins", 100).await, limited);
    assert_eq!(last_line("list 100 penguins", 100).await, "Showing 50 of 100 rows.");
    assert_eq!(last_line("how many penguins by year", 100).await, "Showing 50 of 100 rows.");
}

#[tokio::test]
async fn an_answer_comes_line_by_line_and_loses_nothing() {
    let schema = demo();
    let question = question("list penguins", &schema);
    let mut broken = numbers(1);
    broken.rows = vec![vec![Some("\na\r\n\nb\n".to_owned())]];

    for rows in [numbers(0), numbers(1), numbers(2), numbers(100), broken] {
        let pieces = pieces(&question, &rows).await;
        let whole = answer(&question, &rows);
        assert_eq!(pieces.concat(), whole);
        assert_eq!(pieces.len(), whole.lines().count());
    }
}
