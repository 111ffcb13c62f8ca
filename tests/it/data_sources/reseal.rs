//! The rotation of the keys that seal passwords.

use std::collections::BTreeMap;

use data_source::{Sealer, sealing::key_of};
use proto::v1::RunState;
use session_service::reseal::{Outcome, reseal};
use storage::{
    DataSourceId,
    data_sources::{list_sealed, replace_sealed},
};
use tokio_util::sync::CancellationToken;

use super::{create_postgres, sales};
use crate::harness::{Harness, SEALING_KEYS};

const NEW_KEY: &str = "2:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

fn sealer(keys: &[&str]) -> Sealer {
    keys.join(",").parse().expect("keys of 32 bytes")
}

async fn resealed(harness: &Harness, sealer: &Sealer) -> Outcome {
    let outcome =
        reseal(&harness.db, sealer, &CancellationToken::new()).await.expect("the database answers");
    outcome.expect("nobody stopped it")
}

/// The ids of the keys that passwords are sealed with, by data source.
async fn keys(harness: &Harness) -> Vec<u8> {
    let rows =
        list_sealed(&harness.db, DataSourceId(0), 10_000).await.expect("the database answers");
    rows.iter().map(|row| key_of(&row.sealed_password).expect("it names its key")).collect()
}

#[tokio::test]
async fn a_running_service_goes_from_one_key_to_the_next() {
    let mut harness = Harness::without_worker().await;
    let agent = harness.api(1).penguins_agent().await;
    for (step, keys) in [[SEALING_KEYS, NEW_KEY].as_slice(), &[NEW_KEY, SEALING_KEYS], &[NEW_KEY]]
        .into_iter()
        .enumerate()
    {
        if step == 2 {
            let outcome = resealed(&harness, &sealer(&[NEW_KEY, SEALING_KEYS])).await;
            assert_eq!(outcome, Outcome { resealed: 2, ..Outcome::default() });
        }
        harness.sources.sealer = sealer(keys);
        let service = harness.another_service(std::time::Duration::ZERO).await;
        let worker = harness.worker(model::Builtin, 1);
        let api = service.api(1);

        let session = api.session(agent, "").await.id;
        let (run, _) = api.ask(session, "SELECT count(*) FROM penguins").await;

        assert_eq!(run.state(), RunState::Succeeded, "{keys:?}: {run:?}");
        create_postgres(&api, sales()).await;
        worker.stop().await;
    }
    assert_eq!(self::keys(&harness).await, [2, 2, 2, 2]);
}

#[tokio::test]
async fn it_goes_on_where_it_was_and_does_nothing_twice() {
    let harness = Harness::without_worker().await;
    create_postgres(&harness.api(1), sales()).await;
    let more = "INSERT INTO data_sources (user_id, name, kind, sealed_password)
        SELECT user_id, name, 'dataset', sealed_password FROM data_sources, generate_series(1, 450)";
    harness.execute(more).await;
    let sealer = sealer(&[NEW_KEY, SEALING_KEYS]);
    let stopped = CancellationToken::new();
    stopped.cancel();

    assert_eq!(reseal(&harness.db, &sealer, &stopped).await.unwrap(), None);
    let rows = list_sealed(&harness.db, DataSourceId(0), 100).await.unwrap();
    for row in rows {
        let anew = sealer.seal(row.user_id.0, "anything");
        assert!(replace_sealed(&harness.db, &row, anew).await.unwrap());
    }
    let [first, second] = [resealed(&harness, &sealer).await, resealed(&harness, &sealer).await];

    assert_eq!([first.resealed, second.resealed], [351, 0]);
    assert_eq!(keys(&harness).await, vec![2; 451]);
    first.check().unwrap();
}

#[tokio::test]
async fn a_password_that_was_changed_meanwhile_stays_as_it_was_changed() {
    let harness = Harness::without_worker().await;
    create_postgres(&harness.api(1), sales()).await;
    let rows = list_sealed(&harness.db, DataSourceId(0), 1).await.unwrap();
    let (old, new) = (sealer(&[SEALING_KEYS]), sealer(&[NEW_KEY]));
    let changed = old.seal(1, "changed");
    assert!(replace_sealed(&harness.db, &rows[0], changed.clone()).await.unwrap());

    let replaced = replace_sealed(&harness.db, &rows[0], new.seal(1, "stale")).await.unwrap();

    let row = list_sealed(&harness.db, DataSourceId(0), 1).await.unwrap().remove(0);
    assert_eq!((replaced, row.sealed_password), (false, changed));
}

#[tokio::test]
async fn what_none_of_the_keys_opens_is_told_and_the_others_are_sealed_anew() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let first = create_postgres(&api, sales()).await.id;
    create_postgres(&api, sales()).await;
    let spoil = "UPDATE data_sources SET sealed_password = set_byte(sealed_password, 40,
        get_byte(sealed_password, 40) # 1) WHERE id = ";
    harness.execute(&format!("{spoil}{first}")).await;

    let outcome = resealed(&harness, &sealer(&[NEW_KEY, SEALING_KEYS])).await;

    assert_eq!((outcome.resealed, &outcome.left), (1, &BTreeMap::from([(1, 1)])));
    assert_eq!(outcome.unopened, [DataSourceId(first)]);
    assert_eq!(keys(&harness).await, [1, 2]);
    assert!(outcome.check().unwrap_err().to_string().contains("1 data sources"));
}
