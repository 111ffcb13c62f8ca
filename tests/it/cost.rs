//! What calls cost Postgres and NATS, on whatever machine: statements, round trips,
//! bytes, and how Postgres executes the statements. What is known of each call stands in
//! `cost/expected.txt`; a change that makes one dearer, or cheaper, changes that file too.

mod calls;
mod meter;
mod plans;
mod table;

use std::path::Path;

use crate::harness::{Harness, Manner, described};
use calls::Stage;
use meter::Meter;
use table::Table;

/// How often each call is made: what disturbs one leaves another alone.
const ROUNDS: i64 = 4;

const EXPECTED: &str = include_str!("cost/expected.txt");

/// What it costs now is left here.
const MEASURED: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/cost.txt");

#[tokio::test]
async fn each_call_costs_what_it_is_known_to_cost() {
    let harness = Harness::without_worker().await;
    let recorded = harness.record().await;
    let service = harness.service_on(&recorded).await;
    let mut meter = Meter::start(&harness, &recorded.recorder).await;

    for user_id in 1..=ROUNDS {
        let stage = Stage::set(&harness, service.api(user_id), user_id).await;
        calls::make(&stage, &mut meter).await;
    }
    let (sources, nats) = (recorded.sources.clone(), harness.nats.clone());
    let worker = harness.worker_with(sources, nats, model::Builtin, Manner::default());
    for user_id in 1..=ROUNDS {
        let stage = Stage::set_for_runs(service.api(user_id + ROUNDS)).await;
        calls::runs::ask(&stage, &mut meter).await;
    }
    worker.stop().await;

    let measured = meter.table();
    std::fs::write(MEASURED, measured.to_string()).unwrap();
    let differences = Table::parse(EXPECTED).differences(&measured);
    let expected = Path::new(file!()).with_file_name("cost").join("expected.txt");
    assert!(
        differences.is_empty(),
        "{}\n\nIf this is meant: cp {MEASURED} {}\n",
        differences.join("\n"),
        expected.display()
    );
}

#[test]
fn no_rpc_is_left_out() {
    let known = Table::parse(EXPECTED);

    let missing: Vec<String> =
        described::rpcs().map(|(name, _)| name).filter(|it| !known.has(it)).collect();

    assert_eq!(missing, Vec::<String>::new());
}
