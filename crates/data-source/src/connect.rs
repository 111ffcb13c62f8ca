//! Logging in to a data source, at the very address that the egress rule judged.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_postgres::{CancelToken, Config, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    Error, Source,
    egress::Egress,
    metered::{Budget, Metered},
    session::Session,
    source::Reach,
    tls,
};

/// From the look-up of the name to the end of the login.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What a server may send before it is asked anything.
const LOGIN_BUDGET: u64 = 1024 * 1024;

type TlsConnect = <MakeRustlsConnect as MakeTlsConnect<Metered>>::TlsConnect;

/// The way to a server that was found and judged once.
#[derive(Clone)]
pub(crate) struct Route {
    address: SocketAddr,
    host: String,
    connector: MakeRustlsConnect,
}

/// Opens a connection for one piece of work.
pub(crate) async fn connect(source: &Source, egress: &Egress) -> Result<Session, Error> {
    let login = Box::pin(log_in(source, egress));
    timeout(CONNECT_TIMEOUT, login).await.map_err(|late| Error::Unreachable(late.into()))?
}

async fn log_in(source: &Source, egress: &Egress) -> Result<Session, Error> {
    let connector = tls::connector(&source.tls)?;
    let addresses = resolve(source, egress).await?;
    let (stream, address) = open_first(&addresses).await.map_err(unreachable)?;
    let route = Route { address, host: source.host.clone(), connector };

    let mut config = Config::new();
    config
        .user(&source.user)
        .password(&source.password)
        .dbname(&source.database)
        .application_name("tertulia")
        .ssl_mode(tls::negotiation(source.tls.mode));
    let budget = Budget::new(LOGIN_BUDGET);
    let stream = Metered::new(stream, budget.clone());
    let (client, connection) =
        config.connect_raw(stream, route.tls_connect()).await.map_err(Error::of_login)?;
    Ok(Session::new(client, connection, route, budget))
}

/// Finds the addresses that the egress rule lets through.
async fn resolve(source: &Source, egress: &Egress) -> Result<Vec<SocketAddr>, Error> {
    // What the driver would take for the directory of a Unix socket.
    if source.host.is_empty() || source.host.starts_with(['/', '@']) {
        return Err(Error::AddressRefused);
    }
    let found = lookup_host((source.host.as_str(), source.port)).await.map_err(unreachable)?;
    let is_allowed = |address: IpAddr| match source.reach {
        Reach::Public => egress.allows(address),
        Reach::Trusted => true,
    };
    let addresses: Vec<_> = found.filter(|found| is_allowed(found.ip())).collect();
    if addresses.is_empty() { Err(Error::AddressRefused) } else { Ok(addresses) }
}

/// Connects to the first address that answers; each gets an equal share of the
/// time, so that a silent one does not use up the others'.
async fn open_first(addresses: &[SocketAddr]) -> io::Result<(TcpStream, SocketAddr)> {
    let share = CONNECT_TIMEOUT / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for &address in addresses {
        match timeout(share, open(address)).await {
            Ok(Ok(stream)) => return Ok((stream, address)),
            Ok(Err(error)) => failure = error,
            Err(late) => failure = late.into(),
        }
    }
    Err(failure)
}

async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10));
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}

fn unreachable(error: io::Error) -> Error {
    Error::Unreachable(error.into())
}

impl Route {
    fn tls_connect(&self) -> TlsConnect {
        let Ok(connect) =
            MakeTlsConnect::<Metered>::make_tls_connect(&mut self.connector.clone(), &self.host);
        connect
    }

    /// Asks the server to stop what the token's session is doing.
    pub(crate) async fn cancel(&self, token: &CancelToken) -> Result<(), Error> {
        let request = async {
            let stream = Metered::new(open(self.address).await?, Budget::new(LOGIN_BUDGET));
            token.cancel_query_raw(stream, self.tls_connect()).await.map_err(io::Error::other)
        };
        let request = timeout(CONNECT_TIMEOUT, Box::pin(request)).await;
        request.map_err(|late| Error::Unreachable(late.into()))?.map_err(unreachable)
    }
}
