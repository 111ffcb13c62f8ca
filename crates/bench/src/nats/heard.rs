//! What the product publishes for a run, learned by listening.

use async_nats::{Client, Subscriber};
use futures::{FutureExt as _, StreamExt as _};

/// A message, by what it is for and how large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publication {
    WakeUp { bytes: usize },
    Event { bytes: usize },
    Ended { bytes: usize },
}

impl Publication {
    /// The size of a wake-up, if it is one.
    pub(crate) fn wake_up(&self) -> Option<usize> {
        match *self {
            Self::WakeUp { bytes } => Some(bytes),
            Self::Event { .. } | Self::Ended { .. } => None,
        }
    }
}

/// Hears everything that is published on behalf of runs.
#[derive(Debug)]
pub(crate) struct Heard {
    client: Client,
    subscriber: Subscriber,
    runs: String,
}

impl Heard {
    /// `prefix` is the deployment's on NATS.
    pub(crate) async fn listen(url: &str, prefix: &str) -> anyhow::Result<Self> {
        let client = super::connect(url).await?;
        let runs = match prefix {
            "" => "runs.".to_owned(),
            prefix => format!("{prefix}.runs."),
        };
        let subscriber = client.subscribe(format!("{runs}>")).await?;
        client.flush().await?;
        Ok(Self { client, subscriber, runs })
    }

    /// What was published since the last call.
    pub(crate) async fn take(&mut self) -> anyhow::Result<Vec<Publication>> {
        // What was sent before it on this connection has arrived when it is answered.
        self.client.flush().await?;
        let mut publications = Vec::new();
        while let Some(Some(message)) = self.subscriber.next().now_or_never() {
            let kind = message.subject.strip_prefix(self.runs.as_str()).unwrap_or_default();
            publications.extend(publication(kind, message.payload.len()));
        }
        Ok(publications)
    }
}

/// `None` for what is no part of a run that nothing happens to.
fn publication(kind: &str, bytes: usize) -> Option<Publication> {
    match kind.split('.').next()? {
        "wake-up" => Some(Publication::WakeUp { bytes }),
        "events" => Some(Publication::Event { bytes }),
        "ended" => Some(Publication::Ended { bytes }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart_by_their_subjects() {
        assert_eq!(publication("wake-up", 3), Some(Publication::WakeUp { bytes: 3 }));
        assert_eq!(publication("events.17", 90), Some(Publication::Event { bytes: 90 }));
        assert_eq!(publication("ended", 3), Some(Publication::Ended { bytes: 3 }));
        assert_eq!(publication("cancel-requested", 3), None);
    }
}
