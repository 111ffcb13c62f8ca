//! That what is measured is what would be deployed.

use anyhow::ensure;

use crate::setup::Setup;

/// Fails if this program is a debug build, or one of the pair: figures would say nothing, and
/// ratios flatter.
pub(crate) fn check(setup: &Setup) -> anyhow::Result<()> {
    ensure!(
        !cfg!(debug_assertions),
        "this program is a debug build: build it with --release, as `cargo dev bench` does"
    );
    check_pair(setup)
}

/// By where cargo puts debug builds.
fn check_pair(setup: &Setup) -> anyhow::Result<()> {
    for service in [&setup.session_service, &setup.run_worker] {
        let program = &service.program;
        let is_debug = program.parent().is_some_and(|folder| folder.ends_with("debug"));
        ensure!(!is_debug, "{} is a debug build: build it with --release", program.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::{Nats, Postgres, Service};

    fn setup(folder: &str) -> Setup {
        let service =
            |name| Service { program: format!("{folder}/{name}").into(), env: Default::default() };
        Setup {
            folder: "bench".into(),
            postgres: Postgres { url: String::new(), pid: 0, settings: Default::default() },
            nats: Nats { url: String::new(), pid: 0 },
            session_service: service("session-service"),
            run_worker: service("run-worker"),
            jwt_secret: String::new(),
        }
    }

    #[test]
    fn a_debug_build_of_the_pair_is_refused_by_name() {
        let error = check_pair(&setup("target/debug")).unwrap_err().to_string();

        assert!(error.starts_with("target/debug/session-service is a debug build"), "{error}");
        check_pair(&setup("target/release")).unwrap();
    }

    #[test]
    fn tests_are_no_optimized_build() {
        assert_eq!(check(&setup("target/release")).is_err(), cfg!(debug_assertions));
    }
}
