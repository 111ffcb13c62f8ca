use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use data_source::{Source, source::Reach};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

/// A wire to a source's server that counts what comes back, and can be cut.
pub(super) struct Proxy {
    pub(super) source: Source,
    received: Arc<AtomicUsize>,
    wire: AbortHandle,
}

impl Proxy {
    pub(super) async fn before(source: &Source) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let (host, port) =
            ("127.0.0.1".to_owned(), listener.local_addr().expect("it is bound").port());
        let upstream = (source.host.clone(), source.port);
        let received = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&received);
        let wire = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(serve(client, upstream.clone(), Arc::clone(&counter)));
            }
        });
        let source = Source { host, port, reach: Reach::Trusted, ..source.clone() };
        Self { source, received, wire: wire.abort_handle() }
    }

    /// How many bytes the server has sent.
    pub(super) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }

    pub(super) fn cut(&self) {
        self.wire.abort();
    }
}

async fn serve(client: TcpStream, upstream: (String, u16), received: Arc<AtomicUsize>) {
    let server = TcpStream::connect(upstream).await.expect("the server is up");
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let down = async {
        let mut buffer = vec![0; 65536];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            received.fetch_add(length, Ordering::Relaxed);
            if to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => {}
        () = down => {}
    }
}
