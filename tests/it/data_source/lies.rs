//! Servers that are slow, dead or lying: each costs no more than the limits say.

mod server;

use std::time::{Duration, Instant};

use data_source::{Error, Limits, Rows, Schema, Source, rows::TruncatedBy};

use self::server::{
    Answer, Lie, claim, columns, complete, executing, logged_in, lying, message, notice, ready, row,
};
use super::{LIMITS, data_set, pools, run, store};

const JSON: u32 = 114;
const TEXT: u32 = 25;
const EXPLAIN: &str = "EXPLAIN (FORMAT JSON)";
/// Of the wrapped statement: what it says after EXPLAIN is sent later.
const EXECUTE: &str = "\0SELECT c0::text";
/// Of the guard's statement, as it is described.
const DESCRIBE: &str = "\0SELECT n FROM";
const TIMEOUT: Duration = Duration::from_millis(1_500);

async fn source() -> (Source, Schema) {
    let (store, _) = store().await;
    data_set(&store, "n\n1\n2\n3\n").await
}

async fn ask(
    source: &Source,
    schema: &Schema,
    trigger: &'static str,
    lie: Lie,
) -> Result<Rows, Error> {
    let source = lying(source, trigger, lie).await;
    let limits = Limits { timeout: TIMEOUT, max_bytes: 100_000, ..LIMITS };
    let started = Instant::now();
    let result = run(&source, schema, "SELECT n FROM t", limits).await;
    assert!(started.elapsed() < TIMEOUT + Duration::from_secs(3), "{:?}", started.elapsed());
    result
}

#[tokio::test]
async fn a_login_that_comes_to_nothing_is_an_unreachable_source() {
    let (source, schema) = source().await;
    let lies: [(&str, Lie); 10] = [
        ("silence", |_| Answer::ThenSilence(Vec::new())),
        ("silence after the login", |_| Answer::ThenSilence(logged_in())),
        ("the end", |_| Answer::ThenClose(Vec::new())),
        ("the end in a message", |_| Answer::ThenClose(b"R\0\0".to_vec())),
        ("another protocol", |_| Answer::ThenClose(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())),
        ("a message of no length", |_| Answer::ThenSilence(claim(b'R', 0))),
        ("a message of 2 GiB", |_| {
            Answer::ThenEndless(claim(b'R', i32::MAX as u32), vec![0; 65536])
        }),
        ("a message of 4 GiB", |_| Answer::ThenEndless(claim(b'R', u32::MAX), vec![0; 65536])),
        ("notices without end", |_| Answer::ThenEndless(logged_in(), notice().repeat(100))),
        ("a byte at a time", |_| Answer::Trickle(notice())),
    ];

    for (what, lie) in lies {
        let result = ask(&source, &schema, "", lie).await;
        // What the driver finds no sense in may be a matter of trust as well.
        let is_fitting = matches!(result, Err(Error::Unreachable(_) | Error::LoginRefused(_)));
        assert!(is_fitting, "{what}: {result:?}");
    }
}

#[tokio::test]
async fn a_plan_that_makes_no_sense_is_an_unreachable_source() {
    fn plan(text: &str) -> Answer {
        let value = row(&[text.as_bytes()]);
        Answer::Bytes([executing(&[JSON]), value, complete(), ready()].concat())
    }
    let (source, schema) = source().await;
    let lies: [(&str, Lie); 13] = [
        ("no JSON", |_| plan("nonsense")),
        ("other JSON", |_| plan("{}")),
        ("no plan", |_| plan("[]")),
        ("no cost", |_| plan(r#"[{"Plan": {"Node Type": "Limit", "Total Cost": null}}]"#)),
        ("a cost beyond numbers", |_| plan(r#"[{"Plan": {"Total Cost": 1e999}}]"#)),
        ("nesting without end", |_| plan(&"[".repeat(1_000_000))),
        ("no rows", |_| Answer::Bytes([executing(&[JSON]), complete(), ready()].concat())),
        ("no columns", |_| Answer::Bytes([executing(&[]), row(&[]), complete(), ready()].concat())),
        ("another type", |_| {
            Answer::Bytes([executing(&[TEXT]), row(&[b"[]"]), complete(), ready()].concat())
        }),
        ("two rows", |_| {
            let two = row(&[br#"[{"Plan": {"Total Cost": 1}}]"#]).repeat(2);
            Answer::Bytes([executing(&[JSON]), two, complete(), ready()].concat())
        }),
        ("a row of other columns", |_| {
            Answer::Bytes([executing(&[JSON]), row(&[b"1", b"2"]), complete(), ready()].concat())
        }),
        ("the end", |_| Answer::ThenClose(Vec::new())),
        ("an error of no words", |_| Answer::Bytes([message(b'E', b"\0"), ready()].concat())),
    ];

    for (what, lie) in lies {
        let result = ask(&source, &schema, EXPLAIN, lie).await;
        assert!(matches!(result, Err(Error::Unreachable(_))), "{what}: {result:?}");
    }
}

#[tokio::test]
async fn a_plan_without_end_is_not_read() {
    let (source, schema) = source().await;
    let lies: [(&str, Lie); 4] = [
        ("rows", |_| Answer::ThenEndless(executing(&[JSON]), row(&[b"[]"]).repeat(1_000))),
        ("a row", |_| {
            Answer::ThenEndless(
                [executing(&[JSON]), claim(b'D', 1 << 30)].concat(),
                vec![b'['; 65536],
            )
        }),
        ("notices", |_| Answer::ThenEndless(Vec::new(), notice().repeat(1_000))),
        ("columns", |_| Answer::ThenEndless(claim(b'T', i32::MAX as u32), vec![1; 65536])),
    ];

    for (what, lie) in lies {
        let started = Instant::now();
        let result = ask(&source, &schema, EXPLAIN, lie).await;
        assert!(matches!(result, Err(Error::Statement { .. })), "{what}: {result:?}");
        assert!(started.elapsed() < TIMEOUT, "{what}: it was read until the time was up");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_to_its_end_is_a_timeout() {
    let (source, schema) = source().await;
    let lies: [(&str, &'static str, Lie); 5] = [
        ("no description", DESCRIBE, |_| Answer::ThenSilence(Vec::new())),
        ("no plan", EXPLAIN, |_| Answer::ThenSilence(Vec::new())),
        ("no rows", EXECUTE, |_| Answer::ThenSilence(executing(&[TEXT]))),
        ("no end of the rows", EXECUTE, |_| {
            Answer::ThenSilence([executing(&[TEXT]), row(&[b"1"]), complete()].concat())
        }),
        ("a byte at a time", EXECUTE, |_| Answer::Trickle(executing(&[TEXT]))),
    ];

    for (what, trigger, lie) in lies {
        let result = ask(&source, &schema, trigger, lie).await;
        assert!(matches!(result, Err(Error::TimedOut)), "{what}: {result:?}");
    }
}

#[tokio::test]
async fn rows_without_end_are_cut() {
    let (source, schema) = source().await;
    let lies: [(Lie, TruncatedBy); 3] = [
        (
            |_| Answer::ThenEndless(executing(&[TEXT]), row(&[b"1"]).repeat(1_000)),
            TruncatedBy::Rows,
        ),
        (|_| Answer::ThenEndless(executing(&[TEXT]), row(&[&[b'x'; 50_000]])), TruncatedBy::Bytes),
        (
            |_| {
                let start = [executing(&[TEXT]), claim(b'D', i32::MAX as u32)].concat();
                Answer::ThenEndless(start, vec![b'x'; 65536])
            },
            TruncatedBy::Bytes,
        ),
    ];

    for (lie, expected) in lies {
        let rows = ask(&source, &schema, EXECUTE, lie).await.unwrap();
        assert_eq!(rows.truncated_by, Some(expected));
        assert!(rows.rows.len() <= LIMITS.max_rows as usize);
    }
}

#[tokio::test]
async fn a_server_that_goes_away_among_its_rows_is_unreachable() {
    let (source, schema) = source().await;
    let lies: [Lie; 3] = [
        |_| Answer::ThenClose([executing(&[TEXT]), row(&[b"1"])].concat()),
        |_| Answer::ThenClose([executing(&[TEXT]), row(&[b"1"]), claim(b'D', 100)].concat()),
        |_| Answer::ThenClose([executing(&[TEXT]), row(&[b"1", b"2"])].concat()),
    ];

    for lie in lies {
        let result = ask(&source, &schema, EXECUTE, lie).await;
        assert!(matches!(result, Err(Error::Unreachable(_))), "{result:?}");
    }
}

/// The driver asks for the types that it does not know, and for those that they are
/// made of.
#[tokio::test]
async fn types_that_are_made_of_themselves_are_not_followed_for_ever() {
    fn lie(number: usize) -> Answer {
        const UNKNOWN: u32 = 99_999;
        let described = |types: &[u32]| {
            let parameters = message(b't', &[0, 1, 0, 0, 0, 26]);
            [message(b'1', b""), parameters, columns(types), ready()].concat()
        };
        let self_made: [&[u8]; 7] =
            [b"", b"d", &[0; 4], &[0; 4], &UNKNOWN.to_be_bytes(), b"", &[0; 4]];
        Answer::Bytes(match number {
            0 => [complete(), ready()].concat(),
            1 => [executing(&[TEXT]), row(&[b""]), complete(), ready()].concat(),
            2 => {
                let parameters = message(b't', &[0, 0]);
                [message(b'1', b""), parameters, columns(&[UNKNOWN]), ready()].concat()
            }
            3 => described(&[19, 18, 26, 26, 26, 19, 26]),
            _ => [message(b'2', b""), row(&self_made), message(b'C', b"\0"), ready()].concat(),
        })
    }
    let (source, schema) = source().await;

    let result = ask(&source, &schema, DESCRIBE, lie).await;

    assert!(matches!(result, Err(Error::Unreachable(_))), "{result:?}");
}

#[tokio::test]
async fn a_server_that_lies_to_the_other_questions_is_no_danger_either() {
    let (source, schema) = source().await;
    let lies: [Lie; 4] = [
        |_| Answer::ThenClose(Vec::new()),
        |_| Answer::ThenClose([executing(&[]), row(&[]), complete(), ready()].concat()),
        |_| Answer::ThenEndless(executing(&[TEXT]), row(&[b"x"]).repeat(1_000)),
        |_| Answer::ThenEndless(Vec::new(), notice().repeat(1_000)),
    ];

    for lie in lies {
        let introspected =
            pools().introspect(&lying(&source, "pg_catalog.pg_attribute", lie).await).await;
        let probed = pools().probe(&lying(&source, "pg_catalog.pg_stat_ssl", lie).await).await;
        let sampled = pools().samples(&lying(&source, "WITH first", lie).await, &schema).await;

        assert!(introspected.is_err(), "{introspected:?}");
        assert!(probed.is_err(), "{probed:?}");
        assert!(sampled.is_ok_and(|it| it.of("ds_1", "t", "n").is_empty()));
    }
}
