//! What calls cost Postgres and NATS, on whatever machine: statements, round trips,
//! bytes, and how Postgres executes the statements. What is known of each call stands in
//! `cost/expected.txt`; a change that makes one dearer, or cheaper, changes that file too.

mod calls;
mod meter;
mod plans;
mod table;
mod traffic;

use crate::harness::{Harness, Manner, described};
use calls::Stage;
use meter::TrafficMeter;
use table::Table;
use traffic::FORM;

/// How often each call is made: what disturbs one leaves another alone.
const ROUNDS: i64 = 4;

/// How many of them a session has.
const QUESTIONS: usize = 3;

const EXPECTED: &str = include_str!("cost/expected.txt");

#[tokio::test]
async fn each_call_costs_what_it_is_known_to_cost() {
    let harness = Harness::without_worker().await;
    let recorded = harness.record().await;
    let (sources, nats) = (recorded.sources.clone(), harness.nats.clone());
    let service = harness.service_on(&sources, &nats).await;
    let known = Table::parse(&FORM, EXPECTED);
    let mut meter = TrafficMeter::start(&harness, &recorded, known).await;

    for user_id in 1..=ROUNDS {
        let stage = Stage::set(&harness, service.api(user_id), user_id).await;
        calls::make(&stage, &mut meter).await;
        calls::delete_user_data(&stage, &mut meter).await;
    }
    let worker = harness.worker_with(sources, nats, model::Builtin, Manner::default());
    for user_id in 1..=ROUNDS {
        let stage = Stage::set_for_runs(service.api(user_id + ROUNDS)).await;
        for _ in 0..QUESTIONS {
            calls::runs::ask(&stage, &mut meter).await;
        }
    }
    worker.stop().await;

    meter.table().hold_to(&Table::parse(&FORM, EXPECTED));
}

#[test]
fn no_rpc_is_left_out() {
    let known = Table::parse(&FORM, EXPECTED);

    let missing: Vec<String> =
        described::rpcs().map(|(name, _)| name).filter(|it| !known.has(it)).collect();

    assert_eq!(missing, Vec::<String>::new());
}
