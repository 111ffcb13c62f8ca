//! The pair as it is shipped: processes, with variables and logs of their own.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::ExitStatus,
    time::Duration,
};

use dev::{Programs, servers::free_port};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    sync::OnceCell,
    time::{self, Instant},
};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{
    Api, JWT_SECRET, SEALING_KEYS,
    database::{create, create_migrated, random_name},
    eventually,
    scrutiny::Scrutiny,
    token,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Processes on databases of their own.
pub(crate) struct Pair {
    variables: Vec<(&'static str, String)>,
    logs: TempDir,
    programs: &'static Programs,
    scrutiny: Scrutiny,
    channel: Channel,
}

/// One of them; killed when dropped.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

async fn programs() -> &'static Programs {
    static PROGRAMS: OnceCell<Programs> = OnceCell::const_new();
    PROGRAMS.get_or_init(async || dev::programs().await.expect("they can be built")).await
}

impl Pair {
    /// Prepares servers; no process is started. Both services have these variables.
    pub(crate) async fn with(variables: &[(&'static str, &str)]) -> Self {
        let programs = programs().await;
        let servers = dev::test_servers().await.expect("the test servers run");
        let address = format!("127.0.0.1:{}", free_port().expect("a port is free"));
        let own = [
            ("DATABASE_URL", create_migrated(&servers.database_url).await),
            ("DATASET_DATABASE_URL", create(&servers.database_url, "d").await),
            ("NATS_URL", servers.nats_url.clone()),
            ("NATS_PREFIX", random_name("t").replace('_', "")),
            ("SEALING_KEYS", SEALING_KEYS.to_owned()),
            ("JWT_SECRET", JWT_SECRET.to_owned()),
            ("DATA_SOURCE_ALLOW_CIDRS", "127.0.0.0/8".to_owned()),
            ("ADMIN_ADDR", "127.0.0.1:0".to_owned()),
            ("LISTEN_ADDR", address.clone()),
            ("DATABASE_MAX_CONNECTIONS", "5".to_owned()),
            ("RUN_LEASE_SECONDS", "3".to_owned()),
        ];
        let theirs = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a valid URL");
        Self {
            variables: own.into_iter().chain(theirs).collect(),
            logs: tempfile::tempdir().expect("there is room"),
            programs,
            scrutiny: Scrutiny::default(),
            channel: endpoint.connect_lazy(),
        }
    }

    /// Starts the service, and waits until it serves.
    pub(crate) async fn service(&self) -> Process {
        let process = self.start(&self.programs.session_service);
        let health = HealthClient::new(self.channel.clone());
        eventually("the service being ready", async || {
            health.clone().check(HealthCheckRequest::default()).await.ok()
        })
        .await;
        process
    }

    pub(crate) fn worker(&self) -> Process {
        self.start(&self.programs.run_worker)
    }

    fn start(&self, program: &PathBuf) -> Process {
        let log = self.logs.path().join(random_name("log"));
        let file = File::create(&log).expect("the folder is there");
        let child = Command::new(program)
            .envs(self.variables.iter().cloned())
            .stdout(file)
            .kill_on_drop(true)
            .spawn();
        Process { child: child.expect("it was built"), log }
    }

    /// The API, as one user sees it.
    pub(crate) fn api(&self, user_id: i64) -> Api {
        Api::new(self.scrutiny.of(self.channel.clone()), Some(token(user_id)))
    }

    /// The same, with this token.
    pub(crate) fn api_with(&self, token: String) -> Api {
        Api::new(self.scrutiny.of(self.channel.clone()), Some(token))
    }

    /// What a service says that does not start.
    pub(crate) async fn refusal(&self) -> String {
        let mut command = Command::new(&self.programs.session_service);
        let output = command.envs(self.variables.iter().cloned()).kill_on_drop(true).output();
        let output = time::timeout(PATIENCE, output).await.expect("it ends at once");
        let output = output.expect("it was built");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).expect("it is UTF-8")
    }
}

impl Process {
    /// Kills it at once.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Asks it to stop; says how long it took, and what it has logged.
    pub(crate) async fn stop(mut self) -> (Duration, Log) {
        let asked_at = Instant::now();
        let pid = self.child.id().expect("it runs").to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(asked.is_ok_and(|it| it.success()));
        let ended = time::timeout(PATIENCE, self.child.wait()).await.expect("it stops in time");
        assert!(ended.is_ok_and(|it: ExitStatus| it.success()), "it does not stop well");
        (asked_at.elapsed(), self.log())
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> Log {
        Log(fs::read_to_string(&self.log).expect("logs are UTF-8"))
    }
}

/// Lines of JSON.
#[derive(Clone, Debug)]
pub(crate) struct Log(pub(crate) String);

impl Log {
    pub(crate) fn lines(&self) -> Vec<Value> {
        let line = |text| serde_json::from_str(text).unwrap_or_else(|it| panic!("{it}: {text}"));
        self.0.lines().map(line).collect()
    }

    /// The lines of which a field has this value.
    pub(crate) fn having(&self, name: &str, value: &str) -> Vec<Value> {
        let has = |line: &Value| line[name].as_str() == Some(value);
        self.lines().into_iter().filter(has).collect()
    }
}
