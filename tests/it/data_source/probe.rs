use data_source::{Error, Probe};

use super::{PASSWORD, data_set, pools, store};
use crate::harness::OtherDatabase;

/// A role that may read, and what else `statements` make of it; `$role` is its name.
async fn probe(options: &str, statements: &str) -> Probe {
    let database = OtherDatabase::create(options).await;
    let statements = statements.replace("$role", &database.name);
    let set_up = format!(
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         CREATE TABLE t (n int, x text); GRANT SELECT ON t TO {}; {statements}",
        database.name
    );
    database.admin.batch_execute(&set_up).await.expect("a superuser may");
    pools().probe(&database.source()).await.expect("the role can log in")
}

#[tokio::test]
async fn a_role_that_only_reads_can_not_write() {
    let probe = probe("", "CREATE TABLE closed (n int)").await;

    assert_eq!((probe.can_write, &*probe.writable), (false, &[][..]));
    assert!(!probe.is_superuser && !probe.encrypted && !probe.can_create_temporary_tables);
    assert_eq!(probe.tables, 1);
    assert!(probe.server_version.starts_with(|it: char| it.is_ascii_digit()), "{probe:?}");
    assert!(!probe.latency.is_zero());
}

#[tokio::test]
async fn a_data_sets_own_role_can_not_write() {
    let (store, _) = store().await;
    let (source, _) = data_set(&store, "n\n1\n").await;

    let probe = pools().probe(&source).await.unwrap();

    assert!(!probe.can_write, "{probe:?}");
}

#[tokio::test]
async fn whatever_lets_a_role_write_is_told() {
    let cases = [
        ("", "GRANT INSERT ON t TO $role", "INSERT on public.t"),
        ("", "GRANT UPDATE (x) ON t TO $role", "UPDATE on public.t"),
        ("", "GRANT DELETE ON t TO PUBLIC", "DELETE on public.t"),
        ("", "GRANT TRUNCATE ON t TO $role", "TRUNCATE on public.t"),
        ("", "ALTER TABLE t OWNER TO $role", "owns public.t"),
        ("", "GRANT CREATE ON SCHEMA public TO $role", "CREATE on schema public"),
        ("", "CREATE SCHEMA own AUTHORIZATION $role", "owns schema own"),
        ("", "CREATE SEQUENCE s; GRANT USAGE ON s TO $role", "USAGE on sequence public.s"),
        ("", "GRANT pg_write_all_data TO $role", "member of pg_write_all_data"),
        ("", "GRANT pg_write_server_files TO $role", "member of pg_write_server_files"),
        ("NOINHERIT", "GRANT pg_write_all_data TO $role", "INSERT on public.t"),
        ("CREATEROLE", "", "CREATEROLE"),
        ("CREATEDB", "", "CREATEDB"),
        ("REPLICATION", "", "REPLICATION"),
        ("BYPASSRLS", "", "BYPASSRLS"),
        ("SUPERUSER", "", "superuser"),
        (
            "",
            "SELECT lo_create(0); DO $$ DECLARE it oid := lo_create(0);
               BEGIN EXECUTE format('GRANT UPDATE ON LARGE OBJECT %s TO $role', it); END $$",
            "owns or UPDATE on large object",
        ),
    ];

    for (options, statements, expected) in cases {
        let probe = probe(options, statements).await;
        let is_told = probe.writable.iter().any(|it| it.starts_with(expected));
        assert!(probe.can_write && is_told, "{options} {statements}: {probe:?}");
        assert_eq!(probe.is_superuser, options == "SUPERUSER");
    }
}

#[tokio::test]
async fn a_role_that_it_can_change_to_counts_as_its_own() {
    let statements = "CREATE ROLE $role_writer NOLOGIN CREATEDB; GRANT INSERT ON t TO $role_writer;
                      GRANT $role_writer TO $role";
    let probe = probe("NOINHERIT", statements).await;

    assert!(probe.writable.contains(&"INSERT on public.t".to_owned()), "{probe:?}");
    assert!(probe.writable.iter().any(|it| it.starts_with("CREATEDB by way of")), "{probe:?}");
}

#[tokio::test]
async fn temporary_tables_are_told_apart() {
    let probe = probe("", "GRANT TEMP ON DATABASE $role TO $role").await;

    assert!(probe.can_create_temporary_tables && !probe.can_write, "{probe:?}");
}

#[tokio::test]
async fn a_probe_logs_in_anew() {
    let (store, _) = store().await;
    let (source, _) = data_set(&store, "n\n1\n").await;
    let pools = pools();
    pools.introspect(&source).await.unwrap();
    store.ensure(1, "another password").await.unwrap();

    let refused = pools.probe(&source).await;

    assert!(matches!(refused, Err(Error::LoginRefused(_))), "{refused:?}");
    assert_ne!(PASSWORD, "another password");
}
