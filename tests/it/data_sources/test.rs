use proto::v1 as pb;
use tonic::Code;

use super::{OtherDatabase, create_postgres, test};
use crate::harness::{Expect as _, Harness};

#[tokio::test]
async fn a_role_that_only_reads_is_told_from_one_that_writes() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = OtherDatabase::create("").await;
    let (admin, role) = (&database.admin, &database.name);
    let read = format!(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         CREATE TABLE orders (id int); CREATE TABLE wages (amount int);
         GRANT SELECT ON orders TO {role}"
    );
    admin.batch_execute(&read).await.unwrap();
    let id = create_postgres(&api, database.way()).await.id;

    let reads = test(&api, id, false).await.ok_response();
    admin.batch_execute(&format!("GRANT INSERT ON orders TO {role}")).await.unwrap();
    let writes = test(&api, id, false).await.ok_response();

    let pb::TestDataSourceResponse { server_version, latency_ms, .. } = reads.clone();
    assert!(server_version.starts_with(|it: char| it.is_ascii_digit()), "{server_version}");
    assert!((0..10_000).contains(&latency_ms), "{latency_ms}");
    let expected = pb::TestDataSourceResponse {
        server_version,
        latency_ms,
        encrypted: false,
        superuser: false,
        can_write: false,
        write_privileges: vec![],
        readable_tables: 1,
    };
    assert_eq!(reads, expected);
    assert!(writes.can_write && !writes.superuser);
    assert_eq!(writes.write_privileges, ["INSERT on public.orders"]);
}

#[tokio::test]
async fn a_superuser_is_refused_unless_it_is_expected() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = OtherDatabase::create("SUPERUSER").await;
    let id = create_postgres(&api, database.way()).await.id;

    test(&api, id, false).await.refused(Code::FailedPrecondition, "DATA_SOURCE_SUPERUSER");
    let report = test(&api, id, true).await.ok_response();

    assert!(report.superuser && report.can_write, "{report:?}");
}

#[tokio::test]
async fn a_data_sets_role_can_not_write() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let dataset = api.dataset().await;
    api.import(dataset, "t", "n\n1\n").await.unwrap();

    let report = test(&api, dataset, false).await.ok_response();

    assert!(!report.can_write && !report.superuser, "{report:?}");
    assert_eq!((report.readable_tables, report.write_privileges.len()), (1, 0));
}
