//! What must not be in a message: names, places and words that only those know who have
//! our sources, or our servers.

use std::net::Ipv4Addr;

const LIBRARIES: &[&str] = &[
    "async-nats",
    "async_nats",
    "axum",
    "deadpool",
    "h2",
    "hyper",
    "jetstream",
    "nats",
    "prost",
    "reqwest",
    "rustls",
    "sea-orm",
    "sea_orm",
    "seaorm",
    "sqlx",
    "tokio",
    "tokio-postgres",
    "tokio_postgres",
    "tonic",
    "tower",
];
const TABLES: &[&str] = &[
    "background_tasks",
    "chat_sessions",
    "data_sources",
    "idempotency_keys",
    "information_schema",
    "message_embeddings",
    "pg_catalog",
    "reembeddings",
    "run_results",
    "seaql_migrations",
];
const PANICS: &[&str] = &["panicked", "backtrace", "unwrap"];
/// What comes after each other in a statement.
const STATEMENTS: &[(&str, &str)] = &[
    ("SELECT ", " FROM "),
    ("INSERT INTO ", ""),
    ("DELETE FROM ", ""),
    ("UPDATE ", " SET "),
    ("$1", ""),
];
/// Parts of paths, and of Rust.
const PARTS: &[&str] = &[
    "/work", "/tmp", "/usr", "/home", "/root", "/var", "/etc", "/proc", "src/", ".rs:", "::",
    "Some(", "Err(",
];

/// Says what a text should not.
pub(super) fn check(text: &str) -> Result<(), String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut words = text.split(|c| !is_part(c)).map(str::to_lowercase);
    let is_ours = |it: &str| [LIBRARIES, TABLES, PANICS].iter().any(|ours| ours.contains(&it));
    if let Some(word) = words.find(|it| is_ours(it)) {
        return Err(format!("it says {word}"));
    }
    if let Some(part) = PARTS.iter().find(|it| text.contains(**it)) {
        return Err(format!("it says {part}"));
    }
    let follows = |(first, then): &&(&str, &str)| {
        text.split_once(first).is_some_and(|(_, rest)| rest.contains(then))
    };
    if STATEMENTS.iter().any(|it| follows(&it)) {
        return Err("it has a statement".to_owned());
    }
    match text.split(|c: char| !(is_part(c) || c == '.' || c == ':')).find(|it| is_address(it)) {
        Some(address) => Err(format!("it has the address {address}")),
        None => Ok(()),
    }
}

/// An IP address, or a host with its port.
fn is_address(token: &str) -> bool {
    let token = token.trim_end_matches(['.', ':']);
    let (host, port) = match token.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (token, None),
    };
    let has_port = port.is_some_and(|it| 2 <= it.len() && it.bytes().all(|c| c.is_ascii_digit()));
    let is_name = host.chars().any(char::is_alphabetic);
    host.parse::<Ipv4Addr>().is_ok() || (has_port && is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_we_know_is_found() {
        for leak in [
            "error returned from database: SELECT id FROM runs WHERE id = 1",
            "INSERT INTO messages",
            "relation chat_sessions does not exist",
            "sqlx: pool timed out",
            "no responders from NATS",
            "h2 protocol error: reset",
            "connection to 10.0.0.7 refused",
            "connect: localhost:5432",
            "db.internal:5432.",
            "[::1]:4222",
            "panicked at 'x'",
            "session-service/src/error.rs:12",
            "can't read /tmp/x",
            "Some(3)",
            "storage::Error",
        ] {
            assert!(check(leak).is_err(), "{leak}");
        }
    }

    #[test]
    fn what_we_say_is_let_through() {
        for message in [
            "title: is longer than 200 characters",
            "line 12: more fields than columns",
            "only one SELECT query is accepted, not DELETE",
            "grant it SELECT on fewer",
            "more than 500 requests a second; wait, and send them more slowly",
            "the statement took longer than 12:30:05",
            "postgres.password: must be given again when host, port, database or user change",
            "must be application/grpc or grpc-web",
        ] {
            assert_eq!(check(message), Ok(()), "{message}");
        }
    }
}
