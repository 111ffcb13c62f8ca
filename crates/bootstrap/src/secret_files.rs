//! Secrets in files: what is in the file that `NAME_FILE` names is as if it were in `NAME`.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
};

use anyhow::{Context as _, ensure};
use clap::{Arg, Command};

/// The process's arguments, with those secrets among them that are in files. A secret is what
/// `--help` would not show the value of.
pub fn arguments(command: &Command) -> anyhow::Result<Vec<OsString>> {
    #[expect(clippy::disallowed_methods, reason = "clap knows no variables that name files")]
    let variable = |name: &str| env::var_os(name);
    with_secrets(command, env::args_os().collect(), variable)
}

fn with_secrets(
    command: &Command,
    mut arguments: Vec<OsString>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> anyhow::Result<Vec<OsString>> {
    let subcommand = arguments.get(1).and_then(|name| command.find_subcommand(name));
    let (command, at) = subcommand.map_or((command, 1), |it| (it, 2));
    for secret in command.get_arguments().filter(|it| it.is_hide_env_values_set()) {
        if let Some(flag) = read(secret, &variable)? {
            arguments.insert(at, flag);
        }
    }
    Ok(arguments)
}

fn read(
    secret: &Arg,
    variable: impl Fn(&str) -> Option<OsString>,
) -> anyhow::Result<Option<OsString>> {
    let (Some(flag), Some(name)) = (secret.get_long(), secret.get_env().and_then(OsStr::to_str))
    else {
        return Ok(None);
    };
    let Some(file) = variable(&format!("{name}_FILE")) else {
        return Ok(None);
    };
    ensure!(variable(name).is_none(), "{name} and {name}_FILE are set: only one of them may be");
    let text = fs::read_to_string(&file)
        .with_context(|| format!("{name}_FILE: {}", file.to_string_lossy()))?;
    Ok(Some(format!("--{flag}={}", text.trim_end()).into()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Secret;

    /// A line with its end.
    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/sealing-keys");

    #[derive(Debug, Parser)]
    struct Program {
        #[arg(long, env, hide_env_values = true)]
        sealing_keys: Secret,

        #[arg(long, env, default_value = "none")]
        nats_prefix: String,
    }

    fn parse(variables: &[(&str, &str)]) -> anyhow::Result<Program> {
        let variable = |name: &str| {
            variables.iter().find(|(it, _)| *it == name).map(|(_, value)| OsString::from(value))
        };
        let command = <Program as clap::CommandFactory>::command();
        let arguments = with_secrets(&command, vec!["program".into()], variable)?;
        Ok(Program::try_parse_from(arguments)?)
    }

    #[test]
    fn a_secret_comes_from_the_file_without_the_end_of_its_line() {
        let program = parse(&[("SEALING_KEYS_FILE", FILE)]).unwrap();

        assert_eq!(program.sealing_keys.expose(), "1:abc=");
    }

    #[test]
    fn only_secrets_come_from_files() {
        let program = parse(&[("SEALING_KEYS_FILE", FILE), ("NATS_PREFIX_FILE", FILE)]).unwrap();

        assert_eq!(program.nats_prefix, "none");
    }

    #[test]
    fn a_secret_has_one_place() {
        let error = parse(&[("SEALING_KEYS", "a"), ("SEALING_KEYS_FILE", "/b")]).unwrap_err();

        assert!(error.to_string().contains("SEALING_KEYS_FILE"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_refused_by_its_variable() {
        let error = parse(&[("SEALING_KEYS_FILE", "/no/such/file")]).unwrap_err();

        assert!(error.to_string().contains("SEALING_KEYS_FILE: /no/such/file"), "{error}");
    }
}
