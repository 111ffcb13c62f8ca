use std::{fmt, str::FromStr};

/// A value that must not reach a log.
#[derive(Clone)]
pub struct Secret(String);

/// Nothing, where a secret is needed: a template that did not find it, for example.
#[derive(Debug, thiserror::Error)]
#[error("it is empty")]
pub struct Empty;

impl Secret {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Empty;

    fn from_str(value: &str) -> Result<Self, Empty> {
        if value.trim().is_empty() { Err(Empty) } else { Ok(Self(value.to_owned())) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_printed() {
        let secret: Secret = "hunter2".parse().unwrap();
        assert_eq!(format!("{secret:?}"), "[redacted]");
        assert_eq!(secret.expose(), "hunter2");
    }
}
