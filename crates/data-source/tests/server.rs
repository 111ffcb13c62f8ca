include!("/tmp/data_source_tests.rs");

async fn store() -> (DatasetStore, String) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static N: AtomicU32 = AtomicU32::new(0);
    let name = format!("t{}_{}", std::process::id(), N.fetch_add(1, Ordering::Relaxed));
    let port = option_env!("PGP").unwrap_or("55499");
    let superuser = if option_env!("SUP").is_some() { "SUPERUSER" } else { "NOSUPERUSER" };
    let admin = client(&format!("postgres://postgres@127.0.0.1:{port}/postgres")).await;
    admin
        .batch_execute(&format!("CREATE ROLE owner_{name} LOGIN CREATEROLE {superuser} PASSWORD 'p@ss/w'"))
        .await
        .unwrap();
    admin.batch_execute(&format!("CREATE DATABASE {name} OWNER owner_{name}")).await.unwrap();
    admin.batch_execute(&format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC")).await.unwrap();
    let store = DatasetStore::connect(&format!(
        "postgres://owner_{name}:p%40ss%2Fw@localhost:{port}/{name}?sslmode=disable"
    ))
    .await
    .unwrap();
    (store, format!("postgres://postgres@127.0.0.1:{port}/{name}"))
}
