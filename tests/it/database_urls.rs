//! The URLs of both databases, to the drivers that read them.

mod front;

use std::path::Path;

use data_source::DatasetStore;
use storage::Database;
use tempfile::TempDir;

use self::front::{Authority, Front};
use crate::harness::{OtherDatabase, random_name};

/// What must be written in percent-encoding, and what it is then.
const AWKWARD: [(&str, &str); 2] = [
    ("p@ss:w/rd%#?", "p%40ss%3Aw%2Frd%25%23%3F"),
    ("é &=+ '\"\\", "%C3%A9%20%26%3D%2B%20%27%22%5C"),
];

/// Whether each driver gets in: that of the conversations, and that of the data sets.
async fn lets_in(url: &str) -> [bool; 2] {
    let db = connect(url).await;
    let store = DatasetStore::look(url).await;
    [db.is_ok(), store.is_ok()]
}

async fn connect(url: &str) -> Result<Database, storage::Error> {
    storage::connect(url, 1).await
}

#[tokio::test]
async fn a_password_in_percent_encoding_is_understood_by_both_drivers() {
    for (password, encoded) in AWKWARD {
        let OtherDatabase { host, port, name, admin, .. } = OtherDatabase::create("").await;
        let quoted = password.replace('\'', "''");
        admin.batch_execute(&format!("ALTER ROLE {name} PASSWORD '{quoted}'")).await.unwrap();
        let url = format!("postgres://{name}:{encoded}@{host}:{port}/{name}");
        let wrong = format!("postgres://{name}:{encoded}x@{host}:{port}/{name}");

        assert_eq!(lets_in(&url).await, [true, true], "{password}");
        assert_eq!(lets_in(&wrong).await, [false, false], "{password}");
    }
}

/// A server for `localhost` that speaks TLS, with the way into it.
struct Secured {
    front: Front,
    login: String,
    name: String,
    folder: TempDir,
}

impl Secured {
    async fn start() -> Self {
        let OtherDatabase { host, port, name, password, .. } = OtherDatabase::create("").await;
        let password = password.replace('@', "%40").replace('/', "%2F");
        let folder = TempDir::new().expect("a folder");
        let (authority, stranger) = (Authority::new(), Authority::new());
        for (file, pem) in [("ca.pem", &authority.pem), ("other.pem", &stranger.pem)] {
            std::fs::write(folder.path().join(file), pem).expect("there is room");
        }
        let front = Front::start(&authority, "localhost", &host, port).await;
        Self { front, login: format!("{name}:{password}"), name, folder }
    }

    fn url(&self, host: &str, parameters: &str) -> String {
        let Self { front, login, name, folder } = self;
        let parameters = parameters.replace("$", &path(folder.path()));
        format!("postgres://{login}@{host}:{}/{name}?{parameters}", front.port)
    }
}

fn path(folder: &Path) -> String {
    folder.display().to_string().replace('/', "%2F") + "%2F"
}

#[tokio::test]
async fn each_sslmode_asks_of_the_server_what_it_says() {
    let secured = Secured::start().await;
    for (host, parameters, is_let_in) in [
        ("localhost", "sslmode=require", true),
        ("127.0.0.1", "sslmode=require", true),
        ("localhost", "sslmode=verify-ca", false),
        ("localhost", "sslmode=verify-full", false),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=$ca.pem", true),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=$other.pem", false),
        ("localhost", "sslmode=verify-full&sslrootcert=$ca.pem", true),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=$ca.pem", false),
        ("localhost", "sslmode=verify-full&sslrootcert=$other.pem", false),
    ] {
        let url = secured.url(host, parameters);
        assert_eq!(lets_in(&url).await, [is_let_in; 2], "{host}: {parameters}");
        assert_eq!(secured.front.cleartext(), 0, "{host}: {parameters}");
    }
}

#[tokio::test]
async fn tls_is_preferred_and_can_be_done_without() {
    let secured = Secured::start().await;
    for (parameters, in_cleartext) in [("", 0), ("sslmode=prefer", 0), ("sslmode=disable", 2)] {
        assert_eq!(lets_in(&secured.url("localhost", parameters)).await, [true, true]);
        assert_eq!(secured.front.cleartext(), in_cleartext, "{parameters}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let OtherDatabase { host, port, name, password, .. } = OtherDatabase::create("").await;
    let password = password.replace('@', "%40").replace('/', "%2F");
    let url = format!("postgres://{name}:{password}@{host}:{port}/{name}");
    let required = ["require", "verify-ca", "verify-full"];

    assert_eq!(lets_in(&format!("{url}?sslmode=prefer")).await, [true, true]);
    for mode in required {
        assert_eq!(lets_in(&format!("{url}?sslmode={mode}")).await, [false, false], "{mode}");
    }
}

#[tokio::test]
async fn neither_driver_shows_a_password_that_does_not_let_in() {
    let OtherDatabase { host, port, name, .. } = OtherDatabase::create("").await;
    let password = random_name("s3cret");
    for url in [
        format!("postgres://{name}:{password}@{host}:{port}/{name}"),
        format!("postgres://{name}:{password}@{host}:1/{name}"),
        format!("postgres://{name}:{password}@no-such-host.invalid/{name}"),
    ] {
        let db = connect(&url).await.expect_err("the password is wrong");
        let store = DatasetStore::look(&url).await.expect_err("the password is wrong");
        for error in [format!("{db:?} {db}"), format!("{store:?} {store}")] {
            assert!(!error.contains(&password), "{error}");
        }
    }
}
