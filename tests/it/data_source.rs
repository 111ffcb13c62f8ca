//! The data sets' store and the execution of queries, on a real server, without
//! the services around them. The store logs in with the least rights that it can
//! do with.

mod egress;
mod import;
mod import_requests;
mod lies;
mod plans;
mod pools;
mod probe;
mod proxy;
mod queries;
mod samples;
mod schema;
mod shadowing;
mod store;
mod totals;
mod values;

use std::{fs::File, io::Write as _, time::Duration};

use data_source::{
    DatasetStore, Egress, Error, Limits, Pools, Rows, Schema, Settings, Source,
    dataset::{Import, Imported},
    guard,
};
use tokio_postgres::{Client, NoTls};

use crate::harness::{OtherDatabase, eventually};

const PASSWORD: &str = "correct horse 'battery' staple";
const LIMITS: Limits = Limits {
    max_rows: 1_000,
    max_bytes: 1_000_000,
    timeout: Duration::from_secs(10),
    max_cost: f64::MAX,
};

/// Runs for minutes on a few thousand numbers.
const SLOW: &str =
    "SELECT count(*) FROM t AS a, t AS b, t AS c, t AS d WHERE a.n + b.n + c.n < d.n";

/// A store on a fresh database, and a superuser's session in that.
async fn store() -> (DatasetStore, Client) {
    let (url, admin) = place_for_a_store().await;
    let store = DatasetStore::connect(&url).await;
    (store.expect("the owner can log in"), admin)
}

/// A fresh database's URL, and a superuser's session in it.
async fn place_for_a_store() -> (String, Client) {
    let database = OtherDatabase::create("CREATEROLE").await;
    let OtherDatabase { host, port, name, password, admin } = database;
    let own = format!("ALTER DATABASE {name} OWNER TO {name}");
    admin.batch_execute(&own).await.expect("a superuser may give it away");
    let password = password.replace('@', "%40").replace('/', "%2F");
    (format!("postgres://{name}:{password}@{host}:{port}/{name}"), admin)
}

fn file(csv: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("the temporary folder is writable");
    file.write_all(csv).expect("the temporary folder has room");
    file
}

fn import_of(table: &str, csv: &str) -> Import {
    Import {
        table: table.to_owned(),
        delimiter: b',',
        null_markers: vec![String::new(), "NA".to_owned()],
        replace: false,
        request: None,
        file: file(csv.as_bytes()),
    }
}

async fn import(store: &DatasetStore, table: &str, csv: &str) -> Result<Imported, Error> {
    store.import(1, import_of(table, csv)).await
}

/// A data set with one table, and how its agents reach it.
async fn data_set(store: &DatasetStore, csv: &str) -> (Source, Schema) {
    store.ensure(1, PASSWORD).await.expect("the data set is new");
    import(store, "t", csv).await.expect("the CSV is valid");
    let source = store.source(1, PASSWORD);
    let schema = pools().introspect(&source).await;
    (source, schema.expect("the role can log in"))
}

async fn run(source: &Source, schema: &Schema, sql: &str, limits: Limits) -> Result<Rows, Error> {
    let query = guard::check(sql, schema).expect("the guard accepts the statement");
    pools().query(source, schema, &query, &limits).await
}

/// Fresh connections, each time.
fn pools() -> Pools {
    Pools::new(Egress::default(), Settings::default())
}

/// CSV with the numbers from 1 to `count`.
fn numbers(count: u32) -> String {
    let lines = (1..=count).map(|n| format!("{n}\n"));
    ["n\n".to_owned()].into_iter().chain(lines).collect()
}

fn texts(rows: &Rows) -> Vec<Vec<Option<&str>>> {
    rows.rows.iter().map(|row| row.iter().map(Option::as_deref).collect()).collect()
}

/// Logs in as the data set's role, past everything that we put before it.
async fn as_role(source: &Source) -> Client {
    let mut config = tokio_postgres::Config::new();
    config.host(&source.host).port(source.port).dbname(&source.database);
    config.user(&source.user).password(&source.password);
    let (client, connection) = config.connect(NoTls).await.expect("the role can log in");
    tokio::spawn(connection);
    client
}

async fn count(client: &Client, from: &str) -> i64 {
    let row = client.query_one(&format!("SELECT count(*) FROM {from}"), &[]).await;
    row.expect("whoever counts may read").get(0)
}

/// The server's processes that serve the source's role.
async fn backends(admin: &Client, source: &Source) -> Vec<i32> {
    let pids = "SELECT pid FROM pg_stat_activity WHERE usename = $1 ORDER BY pid";
    let rows = admin.query(pids, &[&source.user]).await.expect("a superuser sees all");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn until_sessions_at_work(admin: &Client, source: &Source, expected: i64) {
    let from = format!(
        "pg_stat_activity
          WHERE usename = '{}' AND state = 'active' AND query LIKE 'SELECT c0::text%'",
        source.user
    );
    let what = format!("{expected} sessions at work");
    let ask = async || (count(admin, &from).await == expected).then_some(());
    eventually(&what, ask).await;
}
