//! What a model may say for a plan, and what it may not be taken for.

use super::*;
use crate::harness::{Ending, ModelServer, Reply, delta};

const ATTACKS: [&str; 2] = [
    include_str!("../../../crates/data-source/testdata/sql/postgres-attacks.tsv"),
    include_str!("../sql_guard/attacks.tsv"),
];
/// What only other servers and clients know, and what is a query by its first word.
const LEFT_OUT: [&str; 7] = ["\\", "REPLACE", "DESCRIBE", "FROM", ";", "COMMIT;", "SELECT"];

fn attacks() -> impl Iterator<Item = &'static str> {
    let lines = ATTACKS.into_iter().flat_map(str::lines);
    let statements = lines.filter_map(|it| Some(it.split_once('\t')?.1));
    statements.filter(|sql| !LEFT_OUT.iter().any(|it| sql.starts_with(it)))
}

#[tokio::test]
async fn an_attack_is_a_query_for_the_guard_to_refuse_and_no_reply() {
    let server = ModelServer::start([Reply::says(&["-"])]).await;
    let provider = patient(&server);
    let (mut count, mut taken_for_replies) = (0, Vec::new());
    for sql in attacks() {
        for said in [sql.to_owned(), format!("```sql\n{sql}\n```")] {
            server.go_on([Reply::says(&[&said])]);
            let plan = plan(&*provider).await.unwrap().plan;
            if matches!(plan, Plan::Reply(_)) {
                taken_for_replies.push(said);
            }
        }
        count += 1;
    }
    assert!(count > 100);
    assert_eq!(taken_for_replies, Vec::<String>::new());
}

#[tokio::test]
async fn a_plan_is_not_read_without_end() {
    let text = delta(&"x".repeat(20_000)).into_bytes();
    let server = ModelServer::start([Reply::Chunks(vec![text], Ending::Drip)]).await;
    let planned = tokio::time::timeout(Duration::from_secs(4), plan(&*patient(&server))).await;
    is_unusable(planned.expect("it is not read to its end"), "longer than the output");
    server.has_open(0).await;
}

#[tokio::test]
async fn an_answer_made_of_a_part_of_the_rows_says_so() {
    let server = ModelServer::start([Reply::says(&["Muitos."])]).await;
    let provider = chat(&models(&server, json!({"context_tokens": 2_048}), pacing()));
    let (schema, row) = (schema(), one_row());
    let rows = Rows { rows: vec![row.rows[0].clone(); 5_000], ..row };
    let prompt = prompt("Quantos pinguins existem?", &schema);

    let pieces: Vec<Piece> =
        provider.answer(&prompt, "SELECT 1", &rows).map(Result::unwrap).collect().await;

    let [Piece::Text(said), Piece::Text(note), Piece::Usage(USAGE)] = &pieces[..] else {
        panic!("{pieces:?}")
    };
    assert_eq!(said, "Muitos.");
    assert!(note.starts_with("\n\nO modelo viu apenas as primeiras "), "{note}");
    assert!(note.ends_with(" de 5000 linhas."), "{note}");
}
