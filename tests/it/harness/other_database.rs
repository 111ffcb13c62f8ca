use data_source::source::{Reach, Source, Tls};
use proto::v1 as pb;
use tokio_postgres::{Client, Config, NoTls, config::Host};

use super::random_name;

/// A database that is not the service's own, with a login role made for it.
pub(crate) struct OtherDatabase {
    pub host: String,
    pub port: u16,
    /// The database's name, and the role's.
    pub name: String,
    pub password: String,
    /// A superuser's session in it.
    pub admin: Client,
}

impl OtherDatabase {
    /// The way to it, as a request gives it.
    pub(crate) fn way(&self) -> pb::PostgresSource {
        pb::PostgresSource {
            host: self.host.clone(),
            port: self.port.into(),
            database: self.name.clone(),
            user: self.name.clone(),
            password: self.password.clone(),
            ..Default::default()
        }
    }

    /// The same, past the API and the egress rule.
    pub(crate) fn source(&self) -> Source {
        Source {
            host: self.host.clone(),
            port: self.port,
            database: self.name.clone(),
            user: self.name.clone(),
            password: self.password.clone(),
            tls: Tls::default(),
            reach: Reach::Trusted,
        }
    }

    /// Creates the database, and the role with `options` (as in `CREATE ROLE`):
    /// it can log in, and has no rights on anything.
    pub(crate) async fn create(options: &str) -> Self {
        let server = server().await;
        let name = random_name("o");
        let password = random_name("p@ss/w");
        let first = log_in(&server).await;
        for statement in [
            format!("CREATE ROLE {name} LOGIN {options} PASSWORD '{password}'"),
            format!("CREATE DATABASE {name}"),
            format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"),
            format!("GRANT CONNECT ON DATABASE {name} TO {name}"),
        ] {
            first.batch_execute(&statement).await.expect("databases and roles may be created");
        }

        let admin = superuser_in(&name).await;
        let host = match server.get_hosts() {
            [Host::Tcp(host)] => host.clone(),
            other => panic!("the test server has one address, not {other:?}"),
        };
        let port = server.get_ports().first().copied().unwrap_or(5432);
        Self { host, port, name, password, admin }
    }
}

/// Opens a superuser's session in a database of the test server.
pub(crate) async fn superuser_in(database: &str) -> Client {
    log_in(server().await.dbname(database)).await
}

async fn server() -> Config {
    let servers = dev::test_servers().await.expect("the test servers run");
    servers.database_url.parse().expect("the server's URL is valid")
}

async fn log_in(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client
}
