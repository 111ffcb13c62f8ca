use std::time::{Duration, Instant};

use data_source::{
    Egress, Error, Limits, Source,
    source::{Reach, SslMode, Tls},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{LIMITS, PASSWORD, data_set, run, store};

#[tokio::test]
async fn private_addresses_are_refused_by_number_and_by_name() {
    let (store, _) = store().await;
    let (trusted, _) = data_set(&store, "n\n1\n").await;
    let source =
        |host: &str| Source { host: host.to_owned(), reach: Reach::Public, ..trusted.clone() };
    let nothing_allowed = Egress::default();
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "/tmp",
        "",
    ] {
        let refused = data_source::introspect(&source(host), &nothing_allowed).await;
        assert!(matches!(refused, Err(Error::AddressRefused)), "{host}: {refused:?}");
    }

    let loopback: Egress = "127.0.0.0/8,::1/128".parse().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let schema = data_source::introspect(&source(host), &loopback).await.unwrap();
        assert_eq!(schema.tables.len(), 1, "{host}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_login_is_told_apart() {
    let (store, _) = store().await;
    let (good, _) = data_set(&store, "n\n1\n").await;
    let egress = Egress::default();
    for bad in [
        Source { password: "wrong".to_owned(), ..good.clone() },
        Source { user: "nobody_at_all".to_owned(), ..good.clone() },
    ] {
        let refused = data_source::introspect(&bad, &egress).await;
        assert!(matches!(refused, Err(Error::LoginRefused(_))), "{refused:?}");
    }

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (host, port) in [("127.0.0.1", closed.port()), ("no-such-host.invalid", good.port)] {
        let bad = Source { host: host.to_owned(), port, ..good.clone() };
        let refused = data_source::introspect(&bad, &egress).await;
        assert!(matches!(refused, Err(Error::Unreachable(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_server_without_the_encryption_that_was_asked_for_gets_no_password() {
    let (store, _) = store().await;
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = Source {
        host: "127.0.0.1".to_owned(),
        port: server.local_addr().unwrap().port(),
        tls: Tls { mode: SslMode::Require, ca_pem: None },
        ..store.source(1, PASSWORD)
    };
    let asked = tokio::spawn(async move {
        let (mut stream, _) = server.accept().await.unwrap();
        let mut received = vec![0; 8];
        stream.read_exact(&mut received).await.unwrap();
        stream.write_all(b"N").await.unwrap();
        stream.read_to_end(&mut received).await.unwrap();
        received
    });

    let refused = data_source::introspect(&source, &Egress::default()).await;

    assert!(matches!(refused, Err(Error::LoginRefused(_))), "{refused:?}");
    assert_eq!(asked.await.unwrap().len(), 8, "more than the question for TLS was sent");
}

#[tokio::test]
async fn a_server_that_never_answers_costs_no_more_than_the_querys_time() {
    let (store, _) = store().await;
    let (good, schema) = data_set(&store, "n\n1\n").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source =
        Source { host: "127.0.0.1".to_owned(), port: silent.local_addr().unwrap().port(), ..good };
    let limits = Limits { timeout: Duration::from_millis(300), ..LIMITS };

    let started = Instant::now();
    let result = run(&source, &schema, "SELECT n FROM t", limits).await;

    assert!(matches!(result, Err(Error::Unreachable(_))), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(2));
}
