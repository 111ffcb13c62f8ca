//! Calls that no rpc makes: each kind of value that a statement may be given, and what
//! can't be learned.

use recorder::Recorder;
use tokio_postgres::{Client, Config, NoTls, types::ToSql};

use super::{Execution, Inputs, Script, replay, server, take};
use crate::harness::empty_database;

/// A database with a table, and a connection to it that is recorded.
struct Place {
    recorder: Recorder,
    /// How one who is recorded logs in.
    config: Config,
    recorded: Client,
    plain: Client,
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client
}

impl Place {
    async fn new() -> Self {
        let url = empty_database().await;
        let config: Config = url.parse().expect("the server's URL is valid");
        let plain = connect(&config).await;
        let table = "CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY (START 500),
            about bigint, note text, token uuid, at timestamptz)";
        plain.batch_execute(table).await.expect("tables may be created");
        let server = server().await;
        let [tokio_postgres::config::Host::Tcp(host)] = server.get_hosts() else {
            panic!("the server has one address")
        };
        let port = server.get_ports().first().copied().unwrap_or(5432);
        let recorder = Recorder::start((host.as_str(), port)).await.expect("a port is free");
        let mut through = Config::new();
        through.host("127.0.0.1").port(recorder.address().port());
        through.user(config.get_user().expect("the URL has one"));
        through.password(config.get_password().expect("the URL has one"));
        through.dbname(config.get_dbname().expect("the URL has one"));
        let recorded = connect(&through).await;
        Self { recorder, config: through, recorded, plain }
    }

    /// Records what is done for each of these numbers.
    async fn record(&self, work: impl AsyncFn(&Client, i64)) -> Vec<(Inputs, Vec<Execution>)> {
        let mut recordings = Vec::new();
        for number in [3, 50, 41] {
            work(&self.recorded, number).await;
            recordings.push((inputs(number), take(&self.recorder).await));
        }
        recordings
    }

    async fn value<T: for<'a> tokio_postgres::types::FromSql<'a>>(&self, sql: &str) -> T {
        self.plain.query_one(sql, &[]).await.expect("it is right").get(0)
    }
}

fn inputs(number: i64) -> Inputs {
    Inputs::default().number("number", number).text("note", &format!("note {number}!"))
}

async fn query(client: &Client, sql: &str, parameters: &[&(dyn ToSql + Sync)]) {
    client.query(sql, parameters).await.expect("it is right");
}

#[tokio::test]
async fn values_are_those_of_the_call() {
    let place = Place::new().await;
    let recordings = place
        .record(async |client, number| {
            let token = uuid::Uuid::from_u128(rand::random());
            let (note, digits) = (format!("note {number}!"), number.to_string());
            let insert = "INSERT INTO notes (about, note, token, at)
                VALUES ($1, $2, $3, $4::timestamptz) RETURNING id, token";
            let now = std::time::SystemTime::now();
            client.batch_execute("BEGIN").await.unwrap();
            let row = client.query_one(insert, &[&number, &note, &token, &now]).await.unwrap();
            let (id, token): (i64, uuid::Uuid) = (row.get(0), row.get(1));
            let update = "UPDATE notes SET note = note || $1 || $2 WHERE id = $3 AND token = $4
                AND 2 * id = (SELECT sum(it) FROM unnest($5::bigint[]) AS it)";
            let ids = vec![id + 1, id - 1];
            query(client, update, &[&digits, &" as ever", &id, &token, &ids]).await;
            client.batch_execute("COMMIT").await.unwrap();
        })
        .await;
    let before: i64 = place.value("SELECT max(id) FROM notes").await;

    let mut replay = replay(Script::learn(&[], &recordings).unwrap()).await;
    replay.run(&inputs(7)).await.unwrap();
    replay.run(&inputs(7)).await.unwrap();

    let done = format!(
        "SELECT string_agg(concat_ws(' ', about, note), '; ') FROM notes
        WHERE id > {before} AND abs(extract(epoch FROM now() - at)) < 10"
    );
    assert_eq!(place.value::<String>(&done).await, "7 note 7!7 as ever; 7 note 7!7 as ever");
    let tokens: i64 = place.value("SELECT count(DISTINCT token) FROM notes").await;
    assert_eq!(tokens, 5, "each call has its own");
}

#[tokio::test]
async fn names_with_numbers_in_them_are_filled_in() {
    let place = Place::new().await;
    let create = |number| format!("CREATE TABLE notes_of_{number} (note text)");
    for number in [3, 7, 41, 50] {
        place.plain.batch_execute(&create(number)).await.unwrap();
    }
    let recordings = place
        .record(async |client, number| {
            let insert = format!("INSERT INTO notes_of_{number} VALUES ('one of 3')");
            query(client, &insert, &[]).await;
        })
        .await;

    replay(Script::learn(&[], &recordings).unwrap()).await.run(&inputs(7)).await.unwrap();

    assert_eq!(place.value::<String>("SELECT note FROM notes_of_7").await, "one of 3");
}

#[tokio::test]
async fn a_value_that_nothing_explains_is_an_error_that_shows_it() {
    let place = Place::new().await;
    let recordings = place
        .record(async |client, number| {
            query(
                client,
                "SELECT $1::bigint, $2::bigint",
                &[&1_i64, &(number * number * 7_000_000)],
            )
            .await;
        })
        .await;

    let error = Script::learn(&[], &recordings).unwrap_err().to_string();

    assert!(error.contains("$2 (type 20) of SELECT $1::bigint, $2::bigint"), "{error}");
}

#[tokio::test]
async fn what_can_not_be_told_apart_is_refused() {
    let place = Place::new().await;
    let recordings = place
        .record(async |client, number| query(client, "SELECT $1::bigint", &[&number]).await)
        .await;

    let two = Script::learn(&[], &recordings[..2]).unwrap_err().to_string();
    assert!(two.contains("at least 3 recordings"), "{two}");

    let twice: Vec<_> = recordings
        .iter()
        .zip([3, 50, 41])
        .map(|((inputs, executions), it)| (inputs.clone().number("same", it), executions.clone()))
        .collect();
    let equal = Script::learn(&[], &twice).unwrap_err().to_string();
    assert!(equal.contains("two inputs are equal"), "{equal}");

    let with_fixed: Vec<_> = recordings
        .into_iter()
        .map(|(inputs, executions)| (inputs.number("fixed", 9), executions))
        .collect();
    let mut replay = replay(Script::learn(&[], &with_fixed).unwrap()).await;
    replay.run(&inputs(7).number("fixed", 9)).await.unwrap();
    let fixed = replay.run(&inputs(7).number("fixed", 8)).await.unwrap_err().to_string();
    assert!(fixed.contains("fixed was the same in all recordings"), "{fixed}");
}

#[tokio::test]
async fn what_others_execute_meanwhile_is_left_out() {
    let place = Place::new().await;
    let sweep = "UPDATE notes SET note = '' WHERE id < $1";
    query(&place.recorded, sweep, &[&0_i64]).await;
    let background = take(&place.recorder).await;
    let recordings = place
        .record(async |client, number| {
            query(client, sweep, &[&0_i64]).await;
            query(client, "SELECT $1::bigint", &[&number]).await;
            if number == 41 {
                query(client, "SELECT 'once'", &[]).await;
            }
        })
        .await;

    let script = Script::learn(&background, &recordings).unwrap();

    assert_eq!(script.statements(), 1, "{script}");
    let left_out = script.left_out().join("\n");
    assert!(left_out.contains("UPDATE notes") && left_out.contains("once"), "{left_out}");
}

#[tokio::test]
async fn transactions_of_several_connections_do_not_mingle() {
    let place = Place::new().await;
    let recordings = place
        .record(async |client, number| {
            // The same role's, on another connection of its pool.
            let other = connect(&place.config).await;
            client.batch_execute("BEGIN").await.unwrap();
            query(&other, "INSERT INTO notes (about) VALUES ($1)", &[&number]).await;
            client.batch_execute("ROLLBACK").await.unwrap();
        })
        .await;

    replay(Script::learn(&[], &recordings).unwrap()).await.run(&inputs(7)).await.unwrap();

    let kept: i64 = place.value("SELECT count(*) FROM notes WHERE about = 7").await;
    assert_eq!(kept, 1, "it was not a part of what was rolled back");
}
