//! Both servers with the rights that the services need.

use async_nats::Client;
use data_source::DatasetStore;
use migration::grant;
use model::Builtin;
use run_queue::{Names, Probe, Service};
use sources::Sources;

use crate::{
    harness::{
        Harness, Manner, Place, RunningWorker, empty_database, eventually, random_name,
        superuser_in,
    },
    run_queue::own_server::OwnServer,
};

/// Databases, migrated, and the logins of those who use them.
pub(super) struct Databases {
    pub own_url: String,
    pub datasets_owner_url: String,
    pub datasets_visitor_url: String,
}

impl Databases {
    pub(super) async fn create() -> Self {
        let (own, datasets) = (empty_database().await, empty_database().await);
        migration::up(&own).await.expect("migrations apply to an empty database");
        let service = log_in_to(&own, "NOCREATEROLE", "").await;
        grant(&own, user(&service)).await.expect("the role is there");
        let (_, name) = datasets.rsplit_once('/').expect("the URL ends in a database's name");
        let owns = format!("ALTER DATABASE {name} OWNER TO");
        let visits = format!("GRANT CONNECT ON DATABASE {name} TO");
        Self {
            own_url: service,
            datasets_owner_url: log_in_to(&datasets, "CREATEROLE", &owns).await,
            datasets_visitor_url: log_in_to(&datasets, "NOCREATEROLE", &visits).await,
        }
    }
}

/// Creates a role, gives it to what `statement` begins, and returns its way in.
async fn log_in_to(url: &str, options: &str, statement: &str) -> String {
    let (server, database) = url.rsplit_once('/').expect("the URL ends in a database's name");
    let (_, address) = server.rsplit_once('@').expect("the URL has a user");
    let role = random_name("r");
    let admin = superuser_in(database).await;
    let create = format!("CREATE ROLE {role} LOGIN {options} PASSWORD 'secret'");
    admin.batch_execute(&create).await.expect("roles may be created");
    if !statement.is_empty() {
        admin.batch_execute(&format!("{statement} {role}")).await.expect("it is a superuser");
    }
    format!("postgres://{role}:secret@{address}/{database}")
}

/// Whom a URL logs in.
pub(super) fn user(url: &str) -> &str {
    let user = url.strip_prefix("postgres://").and_then(|url| url.split_once(':'));
    user.expect("the URL has a user").0
}

/// The service, on servers where the pair may do nothing else.
pub(super) struct Least {
    pub harness: Harness,
    pub server: OwnServer,
    pub names: Names,
    databases: Databases,
}

impl Least {
    pub(super) async fn start() -> Self {
        let databases = Databases::create().await;
        let names_prefix = random_name("t").replace('_', "");
        let names = Names::with_prefix(&names_prefix);
        let server = OwnServer::for_services(&names).await;
        server.log_everything().await;

        let nats = connect(Service::SessionService, &server, &names).await;
        let place = Place {
            database_url: databases.own_url.clone(),
            dataset_url: databases.datasets_owner_url.clone(),
            nats,
            nats_url: server.url_of("session-service"),
            names_prefix,
        };
        let harness = Harness::at(place).await;
        Self { harness, server, names, databases }
    }

    pub(super) async fn worker(&self) -> RunningWorker {
        let Databases { own_url, datasets_visitor_url, .. } = &self.databases;
        let db = storage::connect(own_url, 10).await.expect("the database answers");
        let store = DatasetStore::look(datasets_visitor_url).await.expect("the store answers");
        let sources = Sources { db, store, ..self.harness.sources.clone() };
        let nats = connect(Service::RunWorker, &self.server, &self.names).await;
        self.harness.worker_with(sources, nats, Builtin, Manner::default())
    }

    /// Waits until NATS answers a service's probe.
    pub(super) async fn probe(&self, service: Service) {
        let client = connect(service, &self.server, &self.names).await;
        let probe = Probe::new(client, &self.names);
        eventually("an answer", async || probe.answers().await.then_some(())).await;
    }

    pub(super) fn stream(&self, name: &str) -> String {
        format!("{}_{name}", self.harness.names_prefix)
    }

    /// A client that may do everything.
    pub(super) async fn operator(&self) -> Client {
        run_queue::connect(&self.server.url(), "operator").await.expect("NATS answers")
    }
}

async fn connect(service: Service, server: &OwnServer, names: &Names) -> Client {
    let url = server.url_of(service.name());
    run_queue::connect_as(service, &url, names).await.expect("NATS answers")
}
