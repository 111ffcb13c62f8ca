//! What a user has asked an agent before.

use model::{Builtin, Models, Provider as _};
use storage::{
    AgentId, SessionId, UserId,
    entity::message::Cells,
    memory::Turn,
    search::{self, Elsewhere, Meaning},
};

use crate::harness::{Harness, Said};

async fn related(harness: &Harness, agent: i64, session: i64, question: &str) -> Vec<Turn> {
    let embedded = Builtin.embed(&[question.to_owned()]).await;
    let embedding = embedded.expect("it embeds everything").remove(0);
    let meaning = Meaning { model: Models::BUILTIN.to_owned(), embedding };
    let of = Elsewhere {
        user_id: UserId(1),
        agent_id: AgentId(agent),
        session_id: SessionId(session),
        limit: 3,
    };
    let turns = search::related(&harness.db, of, &meaning).await;
    turns.expect("the database answers")
}

#[tokio::test]
async fn earlier_questions_that_are_alike_and_were_answered_come_with_their_statement() {
    let harness = Harness::without_worker().await;
    let (api, foreign) = (harness.api(1), harness.api(2));
    let (agent, other) = (api.agent().await, api.agent().await);
    let [here, there, deleted] = [
        api.session(agent, "").await.id,
        api.session(agent, "").await.id,
        api.session(agent, "").await.id,
    ];
    let elsewhere = api.session(other, "").await.id;
    let theirs = foreign.session(foreign.agent().await, "").await.id;
    let statement = "SELECT count(*) FROM sales";
    let sql = Some(statement);
    for session in [here, there, deleted, elsewhere, theirs] {
        let said = Said::in_session(session, "sales by month", "12 months");
        harness.say(Said { sql_query: sql, cells: "rows", ..said }).await;
    }
    let close = Said::in_session(there, "sales by year and month", "2 years");
    harness.say(Said { sql_query: sql, ..close }).await;
    let far = Said::in_session(there, "penguins of Antarctica", "some");
    harness.say(Said { sql_query: sql, ..far }).await;
    harness.say(Said::in_session(there, "sales by month?", "no statement")).await;
    harness.say(Said { sql_query: sql, ..Said::in_session(there, "sales month", "failed") }).await;
    harness.execute("UPDATE runs SET state = 'failed' WHERE question = 'sales month'").await;
    api.delete_session(deleted).await;
    let _worker = harness.worker(Builtin, 1);
    harness.all_is_embedded().await;

    let turns = related(&harness, agent, here, "sales by month").await;

    let questions: Vec<&str> = turns.iter().map(|it| it.question.as_str()).collect();
    assert_eq!(questions, ["sales by month", "sales by year and month"]);
    let Turn { sql_query, answer, cells, .. } = &turns[0];
    assert_eq!((sql_query.as_deref(), answer.as_str()), (Some(statement), "12 months"));
    assert_eq!(*cells, Cells::Rows);
    assert_eq!(related(&harness, agent, here, "weather").await, []);
}
