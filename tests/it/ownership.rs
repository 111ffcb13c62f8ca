//! What belongs to another user does not exist, to the byte.

mod cells;
mod contract;
mod lists;
mod things;
mod wire;

use std::collections::BTreeSet;

use proto::v1 as pb;
use tonic::Code;

use self::{
    cells::Cell,
    contract::Named,
    things::{Things, World, start},
    wire::Answer,
};
use crate::harness::{Expect as _, described};

impl World {
    /// What a cell's requests are answered with where its field names these things.
    async fn answers(&self, cell: &Cell, things: &Things) -> Vec<Answer> {
        let channel = self.harness.channel();
        let mut answers = Vec::new();
        for request in (cell.requests)(&self.own, things) {
            let answer = wire::call(&channel, 1, cell.rpc, &request).await;
            answers.push((cell.comparable)(answer));
        }
        answers
    }

    async fn schema_of_the_other(&self) -> Answer {
        let [(_, foreign), ..] = &self.others;
        let request = pb::GetSchemaRequest { data_source_id: foreign.dataset, agent_id: 0 };
        let request = [prost::Message::encode_to_vec(&request)];
        wire::call(&self.harness.channel(), 2, "DataSourceService/GetSchema", &request).await
    }
}

#[test]
fn every_field_that_names_a_row_is_in_the_matrix() {
    let cells = cells::all();
    let named = |cell: &Cell| (cell.rpc.to_owned(), cell.field.to_owned());
    let tried: BTreeSet<Named> = cells.iter().map(named).collect();
    let described = contract::naming_fields();

    assert!(40 < described.len(), "{described:?}");
    let missing: Vec<_> = described.difference(&tried).collect();
    assert!(
        missing.is_empty(),
        "these fields can name another's row, and nothing tries it: add a cell for each to \
         tests/it/ownership/cells, or, if it names none, itself to NAMELESS in contract.rs: \
         {missing:?}"
    );
    let unknown: Vec<_> = tried.difference(&described).collect();
    assert!(unknown.is_empty(), "no such fields, or they name no row: {unknown:?}");
}

#[test]
fn every_rpc_is_in_the_matrix_or_among_the_lists() {
    let mut tried: BTreeSet<_> = cells::all().iter().map(|cell| cell.rpc).collect();
    tried.extend(lists::READ);
    // By itself, in user_data: it takes away what the others are about.
    tried.insert("UserDataService/DeleteUserData");

    for (rpc, _) in described::rpcs() {
        assert!(
            tried.contains(rpc.as_str()),
            "nothing tries whether {rpc} shows another's row: if its requests name rows, add cells \
             to tests/it/ownership/cells, else read it in lists.rs and add it to READ"
        );
        let (_, method) = rpc.split_once('/').expect("a service and a method");
        let shows_many = ["List", "Search", "Watch"].iter().any(|it| method.starts_with(it));
        assert!(
            !shows_many || lists::READ.contains(&rpc.as_str()),
            "{rpc} can show many rows: read it in tests/it/ownership/lists.rs and add it to READ"
        );
    }
}

#[tokio::test]
async fn what_is_anothers_or_deleted_is_answered_as_if_it_had_never_been() {
    let world = World::new().await;
    let (rows, schema) = (world.rows_of_the_other().await, world.schema_of_the_other().await);

    for cell in &cells::all() {
        let Cell { rpc, field, outcome, .. } = cell;
        let never = world.answers(cell, &world.never).await;
        let outcomes: Vec<_> = never.iter().map(Answer::outcome).collect();
        assert!(outcomes.iter().all(|it| it == outcome), "{rpc}, {field}: {outcomes:?}");
        for (whose, things) in &world.others {
            assert_eq!(world.answers(cell, things).await, never, "{rpc}, {field}: {whose}");
        }
        if cell.deleted_differs.is_none() {
            let deleted = world.answers(cell, &world.deleted).await;
            assert_eq!(deleted, never, "{rpc}, {field}: one's own, deleted");
        }
    }

    assert_eq!(schema.outcome(), "OK");
    assert_eq!(world.schema_of_the_other().await, schema);
    assert_eq!(world.rows_of_the_other().await, rows);
}

#[tokio::test]
async fn what_one_has_deleted_oneself_is_told_apart_only_where_that_has_a_reason() {
    let world = World::new().await;

    for cell in &cells::all() {
        let Some(why) = cell.deleted_differs else { continue };
        let never = world.answers(cell, &world.never).await;
        let deleted = world.answers(cell, &world.deleted).await;
        assert_ne!(deleted, never, "{}, {}: is it that {why}?", cell.rpc, cell.field);
    }
}

#[tokio::test]
async fn an_agent_that_is_not_the_sessions_is_refused_whoever_has_it() {
    let world = World::new().await;
    let api = world.harness.api(1);
    let (session_id, another) = (world.own.session, api.agent().await);
    let messages = api.messages(session_id).await;
    let [(_, foreign), ..] = &world.others;

    let mut refusals = Vec::new();
    for agent_id in [another, foreign.agent, world.deleted.agent, world.never.agent] {
        let request = pb::StartRunRequest { agent_id, ..start(session_id, "") };
        let outcome = api.runs.clone().start_run(request).await;
        let status = outcome.refused(Code::InvalidArgument, "AGENT_MISMATCH");
        refusals.push((status.message().to_owned(), status.details().to_owned()));
    }

    assert!(refusals.iter().all(|it| it == &refusals[0]), "{refusals:?}");
    assert_eq!(api.messages(session_id).await, messages);
}
