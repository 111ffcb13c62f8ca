use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

use super::*;
use crate::servers::{fetch, free_port, process::Process};

/// A Postgres that one test has for itself.
struct Server {
    process: Process,
    settings: Settings,
    superuser_url: String,
    port: u16,
    _folder: TempDir,
}

impl Server {
    async fn start() -> Self {
        let binaries = fetch::binaries().await.unwrap();
        // Whichever user the server runs as has to reach it.
        let open = Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().permissions(open).tempdir().unwrap();
        let settings = Settings::generate(folder.path().to_owned()).unwrap();
        let port = free_port().unwrap();
        let config = postgres::Config {
            binaries: &binaries,
            data: &folder.path().join("postgres"),
            log: &folder.path().join("log"),
            port,
            password: &settings.postgres_password,
            durable: false,
            shared_buffers: None,
        };
        let process = postgres::spawn(&config).await.unwrap();
        let process = postgres::ready(process, &config).await.unwrap();
        let superuser_url = config.url();
        Self { process, settings, superuser_url, port, _folder: folder }
    }

    /// As `up` does it.
    async fn prepare(&self) {
        prepare(&self.superuser_url, &self.settings).await.unwrap();
        let owner = own(&self.settings, self.port).operator;
        migration::up(&owner).await.unwrap();
        migration::grant(&owner, SERVICE_ROLE).await.unwrap();
    }

    async fn superuser(&self) -> Client {
        postgres::connect(&self.superuser_url).await.unwrap()
    }

    async fn service(&self) -> Client {
        postgres::connect(&own(&self.settings, self.port).session_service).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = i32::try_from(self.process.pid()).unwrap();
        let _ = kill(Pid::from_raw(pid), Signal::SIGQUIT);
    }
}

/// All rows of a query as one text.
async fn told(client: &Client, sql: &str) -> String {
    let sql = format!("SELECT string_agg(one::text, ' ' ORDER BY one) FROM ({sql}) AS one");
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn each_role_reaches_its_own_database_with_a_password_and_no_other() {
    let server = Server::start().await;
    server.prepare().await;
    server.prepare().await;
    let client = server.superuser().await;

    let reach = "SELECT rolname::text, datname::text FROM pg_roles, pg_database
        WHERE rolname LIKE 'tertulia%' AND datallowconn
        AND has_database_privilege(rolname, datname, 'CONNECT')";
    assert_eq!(
        told(&client, reach).await,
        "(tertulia,tertulia) (tertulia_datasets,tertulia_datasets) \
         (tertulia_datasets_visitor,tertulia_datasets) (tertulia_owner,tertulia)"
    );
    let of_all = "SELECT count(*) FROM pg_database WHERE datallowconn
        AND has_database_privilege('public', datname, 'CONNECT, TEMPORARY')";
    assert_eq!(told(&client, of_all).await, "(0)");
    let methods = "SELECT DISTINCT auth_method FROM pg_hba_file_rules";
    assert_eq!(told(&client, methods).await, "(scram-sha-256)");
    let powers = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'tertulia%'
        AND (rolcreaterole OR rolcreatedb OR rolsuper OR rolreplication OR rolbypassrls)";
    assert_eq!(told(&client, powers).await, "(tertulia_datasets)");
    let hashes = "SELECT count(*) FROM pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256$%'";
    assert_eq!(told(&client, hashes).await, "(5)");
}

#[tokio::test]
async fn what_the_services_owned_before_is_their_databases_owners_and_stays() {
    let server = Server::start().await;
    let client = server.superuser().await;
    role(&client, SERVICE_ROLE, &server.settings.tertulia_password, "NOCREATEROLE").await.unwrap();
    client.batch_execute("CREATE DATABASE tertulia OWNER tertulia").await.unwrap();
    let own = with_database(&server.superuser_url, OWN).unwrap();
    let own = postgres::connect(&own).await.unwrap();
    own.batch_execute("CREATE EXTENSION vector").await.unwrap();
    migration::up(&super::own(&server.settings, server.port).session_service).await.unwrap();
    let insert = "INSERT INTO data_sources (user_id, name, kind) VALUES (1, 'Data', 'dataset')";
    server.service().await.batch_execute(insert).await.unwrap();

    server.prepare().await;

    let service = server.service().await;
    assert_eq!(told(&service, "SELECT name FROM data_sources").await, "(Data)");
    service.batch_execute(insert).await.unwrap();
    for sql in ["TRUNCATE data_sources", "CREATE TABLE mine (id int)"] {
        assert!(service.batch_execute(sql).await.is_err(), "{sql}");
    }
    let owned = "SELECT count(*) FROM pg_shdepend WHERE deptype = 'o'
        AND refobjid = 'tertulia'::regrole";
    assert_eq!(told(&client, owned).await, "(0)");
}

#[test]
fn the_other_database_keeps_server_credentials_and_options() {
    let url = "postgres://me:secret@db.example:5433/chats?sslmode=disable";

    assert_eq!(database_name(url).unwrap(), "chats");
    assert_eq!(
        with_database(url, "chats_datasets").unwrap(),
        "postgres://me:secret@db.example:5433/chats_datasets?sslmode=disable"
    );
}

#[test]
fn a_url_without_a_database_is_refused() {
    assert!(database_name("postgres://me@db.example").is_err());
}
