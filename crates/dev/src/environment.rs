//! The environment variables that the library reads itself: tests have no command line.

/// An empty variable counts as absent.
#[expect(clippy::disallowed_methods, reason = "tests that start servers have no command line")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
