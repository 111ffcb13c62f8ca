use std::time::{Duration, Instant};

use data_source::{
    DatasetStore, Egress, Error, Limits, Pools, Settings, Source,
    source::{Reach, SslMode, Tls},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{LIMITS, PASSWORD, data_set, pools, run, store};

/// A data set's server, as a user's own database would be reached.
async fn public(store: &DatasetStore) -> Source {
    let (source, _) = data_set(store, "n\n1\n").await;
    Source { reach: Reach::Public, ..source }
}

#[tokio::test]
async fn private_addresses_are_refused_by_number_and_by_name() {
    let (store, _) = store().await;
    let source = public(&store).await;

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
        let source = Source { host: host.to_owned(), ..source.clone() };
        let refused = pools().introspect(&source).await;
        assert!(matches!(refused, Err(Error::AddressRefused)), "{host}: {refused:?}");
    }
}

#[tokio::test]
async fn private_addresses_are_reached_where_the_operator_allows_them() {
    let (store, _) = store().await;
    let source = public(&store).await;
    let loopback: Egress = "127.0.0.0/8,::1/128".parse().unwrap();
    let pools = Pools::new(loopback, Settings::default());

    for host in ["127.0.0.1", "localhost"] {
        let source = Source { host: host.to_owned(), ..source.clone() };
        let schema = pools.introspect(&source).await.unwrap();
        assert_eq!(schema.tables.len(), 1, "{host}");
    }
}

#[tokio::test]
async fn a_wrong_login_is_refused() {
    let (store, _) = store().await;
    let (good, _) = data_set(&store, "n\n1\n").await;
    let cases = [
        Source { password: "wrong".to_owned(), ..good.clone() },
        Source { user: "nobody_at_all".to_owned(), ..good.clone() },
        Source { database: "no_such_database".to_owned(), ..good },
    ];

    for bad in cases {
        let refused = pools().introspect(&bad).await;
        assert!(matches!(refused, Err(Error::LoginRefused(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let (store, _) = store().await;
    let good = store.source(1, PASSWORD);
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let cases = [
        Source { port: closed.port(), ..good.clone() },
        Source { host: "no-such-host.invalid".to_owned(), ..good },
    ];

    for gone in cases {
        let refused = pools().introspect(&gone).await;
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

    let refused = pools().introspect(&source).await;

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
    assert!(started.elapsed() < Duration::from_secs(5));
}
