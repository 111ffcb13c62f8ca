//! A pair whose statements and messages are recorded, to learn from it what calls are made of.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, anyhow, bail, ensure};
use recorder::{Execution, Recorder};
use tokio::time::sleep;
use tokio_postgres::{Config, config::Host};

use crate::{
    cases::{Case, Subject, Turn},
    clients::Clients,
    data::Data,
    nats::{Heard, Publication},
    pair::Pair,
    replay::Script,
    setup::Setup,
};

/// How many calls are recorded of a case, so that nothing is equal in all of them by chance.
const RECORDINGS: usize = 8;
/// How long what the pair does by itself is recorded; it looks for work every few seconds.
const BACKGROUND: Duration = Duration::from_secs(6);

#[derive(Debug)]
pub(crate) struct Recorded {
    recorder: Recorder,
    pair: Pair,
    clients: Clients,
    heard: Heard,
    folder: PathBuf,
    background: Vec<Execution>,
}

impl Recorded {
    pub(crate) async fn start(setup: &Setup, data: &Data) -> anyhow::Result<Self> {
        let recorder = Recorder::start(address(&config(setup)?)?).await?;
        let pair = Pair::start(setup, Some(recorder.address())).await?;
        let users = data.users.iter().map(|user| user.id);
        let clients = Clients::connect(&pair.grpc, &setup.jwt_secret, users).await?;
        let prefix = setup.session_service.env_of("NATS_PREFIX")?;
        let heard = Heard::listen(&setup.nats.url, prefix).await?;
        sleep(BACKGROUND).await;
        recorder.settled().await;
        let background = recorder.take();
        let folder = setup.folder.join("scripts");
        Ok(Self { recorder, pair, clients, heard, folder, background })
    }

    pub(crate) fn pair(&self) -> &Pair {
        &self.pair
    }

    /// Learns what a call of the case executes.
    pub(crate) async fn learn(&self, case: &dyn Case, data: &Data) -> anyhow::Result<Script> {
        let subjects = subjects(case, data);
        // What is done once for each user or connection is done by then.
        for subject in &subjects {
            case.call(&self.clients, subject).await?;
        }
        let mut recordings = Vec::new();
        for subject in subjects {
            self.rest(case).await;
            self.recorder.take();
            case.call(&self.clients, &subject).await?;
            self.rest(case).await;
            recordings.push((case.inputs(&subject), self.recorder.take()));
        }
        let script = Script::learn(&self.background, &recordings)?;
        self.write_down(case, &script)?;
        Ok(script)
    }

    /// Learns what a call of the case publishes.
    pub(crate) async fn hear(
        &mut self,
        case: &dyn Case,
        data: &Data,
    ) -> anyhow::Result<Vec<Publication>> {
        let mut heard = Vec::new();
        for subject in subjects(case, data) {
            self.heard.take().await?;
            case.call(&self.clients, &subject).await?;
            self.rest(case).await;
            heard.push(self.heard.take().await?);
        }
        let first = heard.swap_remove(0);
        ensure!(!first.is_empty(), "nothing was published");
        ensure!(
            heard.iter().all(|it| it.len() == first.len()),
            "not always as much was published: {first:?} {heard:?}"
        );
        Ok(first)
    }

    /// For whoever wants to see what is compared.
    fn write_down(&self, case: &dyn Case, script: &Script) -> anyhow::Result<()> {
        fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        let file = self.folder.join(case.name()).with_extension("txt");
        let left_out: String = script.left_out().iter().map(|it| format!("- {it}\n")).collect();
        let text = format!("{script}\nleft out:\n{left_out}");
        fs::write(&file, text).with_context(|| file.display().to_string())
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.pair.stop().await
    }

    /// Until what follows a call is over.
    async fn rest(&self, case: &dyn Case) {
        sleep(case.aftermath()).await;
        self.recorder.settled().await;
    }
}

/// What was learned, or once more why it was not.
pub(crate) fn learned<T>(learned: &anyhow::Result<T>) -> anyhow::Result<&T> {
    learned.as_ref().map_err(|error| anyhow!("{error:#}"))
}

fn subjects(case: &dyn Case, data: &Data) -> Vec<Subject> {
    (0..RECORDINGS).map(|caller| case.pick(data, &mut Turn::of(caller))).collect()
}

/// How a superuser logs in.
pub(crate) fn config(setup: &Setup) -> anyhow::Result<Config> {
    setup.postgres.url.parse().context("the URL of Postgres")
}

fn address(config: &Config) -> anyhow::Result<(String, u16)> {
    match (config.get_hosts().first(), config.get_ports().first()) {
        (Some(Host::Tcp(host)), Some(port)) => Ok((host.clone(), *port)),
        _ => bail!("the URL of Postgres names no host and port"),
    }
}
