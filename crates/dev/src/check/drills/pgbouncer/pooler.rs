//! The pooler itself.

use std::{fmt, path::Path, process::Command};

use anyhow::{Context as _, bail};

use crate::{
    chaos::owned::Owned,
    servers::{
        account::Account,
        free_port,
        postgres::{self, write_secret},
        process::{Process, Shutdown},
    },
    settings::Settings,
    stack::Folder,
    up::databases::{self, OWNER, SERVICE_ROLE},
};

/// Where Debian has it, which is not in everybody's path.
const PROGRAMS: [&str; 2] = ["pgbouncer", "/usr/sbin/pgbouncer"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32);

impl Version {
    pub(super) fn installed() -> anyhow::Result<Self> {
        let output = command()?.arg("--version").output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let number = text.lines().next().and_then(|line| line.strip_prefix("PgBouncer "));
        let mut parts = number.unwrap_or_default().split('.').map(str::parse);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self(major, minor)),
            _ => bail!("`pgbouncer --version` says {text:?}"),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Like Postgres it does not run as root.
fn command() -> anyhow::Result<Command> {
    let is_there = |program: &&&str| Command::new(program).arg("--version").output().is_ok();
    let program = PROGRAMS.iter().find(is_there);
    let program = program.context("there is no pgbouncer; Debian has it by that name")?;
    Ok(Account::for_servers()?.command(Path::new(program)))
}

#[derive(Debug)]
pub(super) struct Pooler {
    pub(super) port: u16,
    process: Owned,
}

impl Pooler {
    /// Starts one before the stack's Postgres, with these lines in its configuration.
    pub(super) async fn start(settings: &Settings, lines: &[&str]) -> anyhow::Result<Self> {
        let port = free_port()?;
        let file = settings.data.join("pgbouncer.ini");
        write(&file, &configuration(settings, port, lines)?)?;
        let mut command = command()?;
        command.arg(&file);
        let log = Folder::in_target("check/drills")?.log("pgbouncer");
        let process = Process::spawn("pgbouncer", &mut command, &log, &file, Shutdown::Graceful)?;
        let mut process = Owned::new(process);
        let url = databases::own(settings, port).operator;
        process.ready(async || postgres::check(&url).await).await?;
        Ok(Self { port, process })
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

fn configuration(settings: &Settings, port: u16, lines: &[&str]) -> anyhow::Result<String> {
    let postgres_port = settings.postgres_port.context("the stack's Postgres has a port")?;
    let users = settings.data.join("pgbouncer.users");
    let logins = [(SERVICE_ROLE, &settings.tertulia_password), (OWNER, &settings.owner_password)];
    let logins = logins.map(|(role, password)| format!("\"{role}\" \"{password}\"\n"));
    write(&users, &logins.concat())?;
    Ok(format!(
        "[databases]\n* = host=127.0.0.1 port={postgres_port}\n\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = scram-sha-256\nauth_file = {}\ndefault_pool_size = 60\n{}\n",
        users.display(),
        lines.join("\n")
    ))
}

/// Writes a file that the servers' account can read, and no other.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    write_secret(path, text)?;
    Ok(Account::for_servers()?.give(path)?)
}
