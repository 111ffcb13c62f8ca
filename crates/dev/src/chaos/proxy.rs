//! A TCP proxy between one process and one server. It passes bytes on, holds them back, or cuts
//! its connections, whichever the harness wants.

use std::{
    future,
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

const PIECE: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Proxy {
    port: u16,
    flow: watch::Sender<Flow>,
    open: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

/// Which bytes are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Nothing,
    ToServer,
    Everything,
}

#[derive(Clone, Copy, Debug)]
struct Flow {
    hold: Hold,
    /// A connection ends when this rises.
    cuts: u64,
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    ToServer,
    ToClient,
}

impl Flow {
    fn holds(self, direction: Direction) -> bool {
        match self.hold {
            Hold::Nothing => false,
            Hold::ToServer => matches!(direction, Direction::ToServer),
            Hold::Everything => true,
        }
    }
}

impl Proxy {
    /// Listens on a port of its own, for connections to `server_port`.
    pub(super) async fn to(server_port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server_port));
        let (flow, changes) = watch::channel(Flow { hold: Hold::Nothing, cuts: 0 });
        let open = Arc::<AtomicUsize>::default();
        let accepting = tokio::spawn(accept(listener, server, changes, Arc::clone(&open)));
        Ok(Self { port, flow, open, accepting })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Whether a connection to the server is open.
    pub(super) fn is_in_use(&self) -> bool {
        self.open.load(Ordering::Relaxed) > 0
    }

    pub(super) fn hold(&self, hold: Hold) {
        self.flow.send_modify(|flow| flow.hold = hold);
    }

    /// Ends all connections. What is held back in them is lost.
    pub(super) fn cut(&self) {
        self.flow.send_modify(|flow| flow.cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    server: SocketAddr,
    changes: watch::Receiver<Flow>,
    open: Arc<AtomicUsize>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                let (changes, open) = (changes.clone(), Arc::clone(&open));
                connections.spawn(async move {
                    // An end by error looks to both sides like any other end.
                    let _ = pass(client, server, changes, &open).await;
                });
            }
            Some(_) = connections.join_next() => (),
            else => future::pending().await,
        }
    }
}

/// What the bytes of a connection have to pass, one way.
#[derive(Debug)]
struct Gate {
    changes: watch::Receiver<Flow>,
    cuts: u64,
    direction: Direction,
}

impl Gate {
    /// Waits until bytes may pass. A cut comes first, even if they may pass from then on: it can
    /// fall between two looks at the flow.
    async fn open(&mut self) -> io::Result<()> {
        let Self { changes, cuts, direction } = self;
        let decided = |flow: &Flow| flow.cuts != *cuts || !flow.holds(*direction);
        match changes.wait_for(decided).await {
            Ok(flow) if flow.cuts == *cuts => Ok(()),
            Ok(_) | Err(_) => Err(ErrorKind::ConnectionAborted.into()),
        }
    }
}

/// Lives until either side closes, or it is cut.
async fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    changes: watch::Receiver<Flow>,
    open: &AtomicUsize,
) -> io::Result<()> {
    let cuts = changes.borrow().cuts;
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let mut cut = changes.clone();
    let gate = |direction| Gate { changes: changes.clone(), cuts, direction };

    open.fetch_add(1, Ordering::Relaxed);
    let passed = tokio::select! {
        biased;
        _ = cut.wait_for(|flow| flow.cuts != cuts) => Ok(()),
        up = copy(from_client, to_server, gate(Direction::ToServer)) => up,
        down = copy(from_server, to_client, gate(Direction::ToClient)) => down,
    };
    open.fetch_sub(1, Ordering::Relaxed);
    passed
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut gate: Gate,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        gate.open().await?;
        to.write_all(&piece[..length]).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// After so long nothing more is expected.
    const SILENCE: Duration = Duration::from_millis(500);

    /// A server that sends back what it gets, and a connection to it through a proxy.
    async fn echo() -> (Proxy, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let proxy = Proxy::to(port).await.unwrap();
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
        (proxy, client)
    }

    async fn read(client: &mut TcpStream) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 64];
        let length = timeout(SILENCE, client.read(&mut bytes)).await.ok()?;
        bytes.truncate(length.unwrap_or_default());
        Some(bytes)
    }

    #[tokio::test]
    async fn what_is_held_back_arrives_later() {
        let (proxy, mut client) = echo().await;
        client.write_all(b"one").await.unwrap();
        assert_eq!(read(&mut client).await.unwrap(), b"one");

        proxy.hold(Hold::ToServer);
        client.write_all(b"two").await.unwrap();
        assert_eq!(read(&mut client).await, None);

        proxy.hold(Hold::Nothing);
        assert_eq!(read(&mut client).await.unwrap(), b"two");
    }

    #[tokio::test]
    async fn a_cut_ends_a_connection_and_loses_what_is_held_back() {
        let (proxy, mut client) = echo().await;
        client.write_all(b"here").await.unwrap();
        assert_eq!(read(&mut client).await.unwrap(), b"here");
        proxy.hold(Hold::Everything);
        client.write_all(b"lost").await.unwrap();

        proxy.cut();
        assert_eq!(read(&mut client).await.unwrap(), b"");

        proxy.hold(Hold::Nothing);
        let mut again = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
        again.write_all(b"kept").await.unwrap();
        assert_eq!(read(&mut again).await.unwrap(), b"kept");
    }
    #[tokio::test]
    async fn what_was_held_back_at_a_cut_is_lost_even_if_the_hold_ends_with_it() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Proxy::to(listener.local_addr().unwrap().port()).await.unwrap();
        for _ in 0..50 {
            proxy.hold(Hold::Nothing);
            let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
            client.write_all(b"first").await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            assert_eq!(read(&mut server).await.unwrap(), b"first");
            proxy.hold(Hold::ToServer);
            client.write_all(b"lost").await.unwrap();
            // The proxy reads it, so that it only waits to be let through.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }

            proxy.cut();
            proxy.hold(Hold::Nothing);

            assert_eq!(read(&mut server).await.unwrap(), b"");
        }
    }
}
