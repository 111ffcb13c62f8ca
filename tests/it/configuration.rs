//! What operators can set, as the programs know it.

mod table;
mod values;

use std::{collections::BTreeMap, ffi::OsString};

use clap::{Arg, Command, CommandFactory as _, Parser as _};
use migration::arguments::Arguments;
use run_worker::config as worker;
use session_service::config as service;

use crate::harness::{JWT_SECRET, SEALING_KEYS};

struct Program {
    name: &'static str,
    command: Command,
    /// Arguments that it can be started with, and their values.
    valid: BTreeMap<&'static str, String>,
    start: fn(Vec<OsString>) -> Result<(), Refusal>,
}

/// Where a value was refused.
#[derive(Debug)]
enum Refusal {
    /// By itself.
    Parse(String),
    /// Later, but still before anything was connected to.
    Check(String),
}

impl Refusal {
    fn text(&self) -> &str {
        let (Self::Parse(text) | Self::Check(text)) = self;
        text
    }
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self::Parse(error.to_string())
    }
}

fn checked<T>(result: anyhow::Result<T>) -> Result<T, Refusal> {
    result.map_err(|error| Refusal::Check(format!("{error:#}")))
}

fn programs() -> [Program; 3] {
    let url = |name: &str| format!("postgres://a:b@127.0.0.1/{name}");
    let shared = [
        ("database-url", url("one")),
        ("dataset-database-url", url("two")),
        ("sealing-keys", SEALING_KEYS.to_owned()),
    ];
    let secret = ("jwt-secret", JWT_SECRET.to_owned());
    [
        Program {
            name: "session-service",
            command: service::Start::command(),
            valid: shared.clone().into_iter().chain([secret]).collect(),
            start: start_service,
        },
        Program {
            name: "run-worker",
            command: worker::Start::command(),
            valid: shared.into(),
            start: start_worker,
        },
        Program {
            name: "migration",
            command: Arguments::command(),
            valid: [("database-url", url("one"))].into(),
            start: start_migration,
        },
    ]
}

fn start_service(arguments: Vec<OsString>) -> Result<(), Refusal> {
    let start = service::Start::of(arguments)?;
    checked(start.check())?;
    let service::Start::Serve(config) = start else { return Ok(()) };
    checked(config.tokens.verifier())?;
    checked(config.server()).map(drop)
}

fn start_worker(arguments: Vec<OsString>) -> Result<(), Refusal> {
    checked(worker::Start::of(arguments)?.check())
}

fn start_migration(mut arguments: Vec<OsString>) -> Result<(), Refusal> {
    let own = |it: &OsString| it.to_string_lossy().starts_with("--service-role");
    let at = arguments.iter().position(own).unwrap_or(arguments.len());
    arguments.insert(at, "up".into());
    checked(Arguments::try_parse_from(arguments)?.database_url()).map(drop)
}

impl Program {
    /// What can be set by a variable, the subcommands' too, by the variable's name; not the
    /// files that secrets can be in.
    fn arguments(&self) -> BTreeMap<String, Arg> {
        let subcommands = self.command.get_subcommands().flat_map(Command::get_arguments);
        let all = subcommands.chain(self.command.get_arguments());
        let named = all.filter_map(|it| Some((it.get_env()?.to_str()?.to_owned(), it.clone())));
        let mut found: BTreeMap<String, Arg> = named.collect();
        let secrets: Vec<String> =
            found.iter().filter(|(_, it)| is_secret(it)).map(|(name, _)| name.clone()).collect();
        for secret in secrets {
            found.remove(&format!("{secret}_FILE"));
        }
        assert!(!found.is_empty(), "{} has no variables", self.name);
        found
    }

    /// Starts it as far as it goes without any server, with one value of our own.
    fn start_with(&self, argument: &Arg, value: &str) -> Result<(), Refusal> {
        let flag = argument.get_long().expect("every variable is a flag");
        let mut arguments = self.valid.clone();
        if ["jwt-public-keys-file", "jwt-jwks-file", "jwt-jwks-url"].contains(&flag) {
            arguments.remove("jwt-secret");
        }
        arguments.insert(flag, value.to_owned());
        let flags =
            arguments.iter().map(|(flag, value)| OsString::from(format!("--{flag}={value}")));
        // The last may be a subcommand's.
        let (own, others): (Vec<OsString>, Vec<OsString>) =
            flags.partition(|it| it.to_string_lossy().starts_with(&format!("--{flag}=")));
        let name = OsString::from(self.name);
        (self.start)([name].into_iter().chain(others).chain(own).collect())
    }
}

/// Whether its value must not be shown; those can be in files.
fn is_secret(argument: &Arg) -> bool {
    argument.is_hide_env_values_set()
}
