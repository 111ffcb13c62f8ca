use std::hash::{BuildHasher as _, RandomState};

use sea_orm::{ConnectionTrait as _, Database};
use uuid::Uuid;

/// A name that nothing else has: `prefix` and 16 hexadecimal digits.
pub(crate) fn random_name(prefix: &str) -> String {
    format!("{prefix}_{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// An id for a request that nothing else has.
pub(crate) fn random_uuid() -> String {
    let half = || u128::from(RandomState::new().hash_one(std::process::id()));
    Uuid::from_u128(half() << 64 | half()).to_string()
}

/// Creates an empty database on the server that `server_url` names.
///
/// It is left behind on purpose: a failed test can be looked into, and nothing
/// has to run when a test panics.
pub(super) async fn create(server_url: &str, prefix: &str) -> String {
    let name = random_name(prefix);
    let admin = Database::connect(server_url).await.expect("the test database server answers");
    for statement in [
        format!("CREATE DATABASE {name}"),
        format!("REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC"),
    ] {
        admin.execute_unprepared(&statement).await.expect("databases may be created");
    }

    let (base, parameters) = match server_url.split_once('?') {
        Some((base, parameters)) => (base, format!("?{parameters}")),
        None => (server_url, String::new()),
    };
    let (server, _) = base.rsplit_once('/').expect("the URL ends in a database's name");
    format!("{server}/{name}{parameters}")
}

/// Creates an empty database on the test server, and returns its URL.
pub(crate) async fn empty_database() -> String {
    let servers = dev::test_servers().await.expect("the test servers run");
    create(&servers.database_url, "t").await
}

pub(super) async fn create_migrated(server_url: &str) -> String {
    let url = create(server_url, "t").await;
    migration::up(&url).await.expect("migrations apply to an empty database");
    url
}
