use proto::v1::{self as pb, ExportFormat};
use storage::results::RunResult;

use super::{columns, export, numbers, pieces, run_with_result};
use crate::harness::{Expect as _, Harness};

fn row(values: [Option<&str>; 3]) -> Vec<Option<String>> {
    values.map(|it| it.map(str::to_owned)).to_vec()
}

#[tokio::test]
async fn a_file_tells_null_from_the_empty_text_and_has_columns_of_one_name() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let rows = vec![
        row([Some("1"), Some(""), None]),
        row([None, None, Some("[1,\n\"a\"]")]),
        row([Some("3"), Some("a \"b\",\r\nç 😀"), Some("null")]),
    ];
    let same = columns(&[("n", "int8"), ("a,b", "text"), ("n", "json")]);
    let run = run_with_result(&harness, &api, RunResult { columns: same, rows }).await;

    let csv = export(&api, run.id, ExportFormat::Csv).await;
    let json_lines = export(&api, run.id, ExportFormat::JsonLines).await;

    let expected = "n,\"a,b\",n\r\n\
        1,\"\",\r\n\
        ,,\"[1,\n\"\"a\"\"]\"\r\n\
        3,\"a \"\"b\"\",\r\nç 😀\",null\r\n";
    assert_eq!(csv, expected);
    let expected = r#"["n","a,b","n"]
[1,"",null]
[null,null,[1, "a"]]
[3,"a \"b\",\r\nç 😀",null]
"#;
    assert_eq!(json_lines, expected);
}

#[tokio::test]
async fn a_large_file_comes_in_pieces_and_is_complete() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let long = "x".repeat(100);
    let rows = (1..=10_000).map(|n| row([Some(&n.to_string()), Some(&long), None])).collect();
    let columns = columns(&[("n", "int4"), ("long", "text"), ("none", "bool")]);
    let run = run_with_result(&harness, &api, RunResult { columns, rows }).await;

    let csv = pieces(&api, run.id, ExportFormat::Csv).await.unwrap();
    let json_lines = export(&api, run.id, ExportFormat::JsonLines).await;

    assert!(16 < csv.len() && csv.iter().all(|it| it.len() <= 64 * 1024), "{}", csv.len());
    let csv = String::from_utf8(csv.concat()).unwrap();
    let lines = (1..=10_000).map(|n| format!("{n},{long},\r\n")).collect::<String>();
    assert_eq!(csv, format!("n,long,none\r\n{lines}"));
    let lines = (1..=10_000).map(|n| format!("[{n},\"{long}\",null]\n")).collect::<String>();
    assert_eq!(json_lines, format!("[\"n\",\"long\",\"none\"]\n{lines}"));
}

#[tokio::test]
async fn clients_that_go_away_half_way_or_stop_reading_cost_others_nothing() {
    let harness = Harness::without_worker().await;
    let long = vec![vec![Some("x".repeat(1 << 20))]];
    let result = RunResult { columns: columns(&[("text", "text")]), rows: long };
    let run = run_with_result(&harness, &harness.api(1), result).await;
    let request = pb::ExportRunResultRequest { run_id: run.id, format: ExportFormat::Csv.into() };

    // More than there are connections to the database.
    let mut unread = Vec::new();
    for count in 0..30 {
        let api = harness.service.narrow_api(1);
        let stream = api.runs.clone().export_run_result(request).await;
        let mut stream = stream.ok_response();
        if count % 2 == 0 {
            stream.message().await.unwrap().expect("there is a first piece");
        } else {
            unread.push(stream);
        }
    }

    let whole = export(&harness.api(1), run.id, ExportFormat::Csv).await;
    assert_eq!(whole.len(), (1 << 20) + "text\r\n\r\n".len());
}

#[tokio::test]
async fn nothing_is_executed_to_export_a_result() {
    let (harness, worker) = Harness::start().await;
    let api = harness.api(1);
    let agent_id = api.penguins_agent().await;
    let session = api.session(agent_id, "").await;
    let (run, _) = api.ask(session.id, "SELECT year FROM penguins LIMIT 2").await;
    let before = export(&api, run.id, ExportFormat::Csv).await;
    worker.stop().await;

    let agents = &mut api.agents.clone();
    let agent = agents.get_agent(pb::GetAgentRequest { agent_id }).await.ok_response().agent;
    let request = pb::DeleteAgentRequest { agent_id, ..Default::default() };
    agents.delete_agent(request).await.ok_response();
    let data_source_id = agent.expect("it is there").data_source_id;
    let request = pb::DeleteDataSourceRequest { data_source_id, ..Default::default() };
    api.sources.clone().delete_data_source(request).await.ok_response();

    assert_eq!(before, "year\r\n2007\r\n2007\r\n");
    assert_eq!(export(&api, run.id, ExportFormat::Csv).await, before);
}

#[tokio::test]
async fn a_file_of_a_format_that_is_not_said_or_unknown_is_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let run = run_with_result(&harness, &api, numbers(1)).await;

    for format in [0, 3, -1, i32::MAX] {
        let request = pb::ExportRunResultRequest { run_id: run.id, format };
        let exported = api.runs.clone().export_run_result(request).await;
        exported.map(|_| tonic::Response::new(())).invalid(&["format"]);
    }
}
