//! What to log.

use std::{fmt, sync::Arc};

use clap::Args;
use tracing::Metadata;
use tracing_subscriber::filter::{LevelFilter, Targets};

#[derive(Clone, Args)]
pub struct Log {
    /// What to log: levels, of all or of some targets, as info,storage=debug
    #[arg(long, env, default_value = "info", value_parser = levels)]
    rust_log: Arc<Targets>,
}

impl Default for Log {
    fn default() -> Self {
        Self { rust_log: Targets::new().with_default(LevelFilter::INFO).into() }
    }
}

/// As it is given: a `Targets`' own form is long.
impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.rust_log, f)
    }
}

impl Log {
    pub(super) fn wants(&self, event: &Metadata<'_>) -> bool {
        self.rust_log.would_enable(event.target(), event.level())
    }

    /// No event of more detail is wanted of any target.
    pub(super) fn most(&self) -> LevelFilter {
        let levels = self.rust_log.iter().map(|(_, level)| level);
        levels.chain(self.rust_log.default_level()).max().unwrap_or(LevelFilter::OFF)
    }
}

/// Unlike in the texts that a `Targets` is read from, a word that is no level is not taken for
/// the name of a target, and a target is no more than a path.
fn levels(value: &str) -> Result<Arc<Targets>, &'static str> {
    let mut parts = value.split(',').map(str::trim);
    let targets = parts.try_fold(Targets::new(), |targets, part| {
        Ok(match part.split_once('=') {
            Some((name, of_it)) => targets.with_target(target(name)?, level(of_it)?),
            None => targets.with_default(level(part)?),
        })
    });
    targets.map(Arc::new)
}

fn target(name: &str) -> Result<&str, &'static str> {
    let name = name.trim();
    let is_path = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | ':');
    let is_target = !name.is_empty() && name.chars().all(is_path);
    is_target.then_some(name).ok_or("a target is a module's path, as in storage=debug")
}

fn level(name: &str) -> Result<LevelFilter, &'static str> {
    let level = Some(name.trim()).filter(|it| !it.is_empty()).and_then(|it| it.parse().ok());
    level.ok_or("levels are off, error, warn, info, debug and trace, as in info,storage=debug")
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_are_those_of_all_targets_and_of_some() {
        let levels = levels("warn, storage=debug,sqlx=off").unwrap();

        assert!(levels.would_enable("storage::sessions", &Level::DEBUG));
        assert!(levels.would_enable("run_queue", &Level::WARN));
        assert!(!levels.would_enable("run_queue", &Level::INFO));
        assert!(!levels.would_enable("sqlx::query", &Level::ERROR));
        assert_eq!(Log { rust_log: levels }.most(), LevelFilter::DEBUG);
    }

    #[test]
    fn what_names_no_level_or_no_target_is_refused() {
        for bad in ["", "loud", "storage", "info,", "=debug", "storage=", "storage=loud"] {
            assert!(levels(bad).is_err(), "{bad}");
        }
        for bad in ["session_service[grpc.call]=debug", "[{run.id}]=debug", "a b=info"] {
            assert!(levels(bad).is_err(), "{bad}");
        }
    }
}
