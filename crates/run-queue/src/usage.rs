//! How full the streams are.

use async_nats::jetstream::{self, context::GetStreamError};

use crate::Streams;

/// What a stream holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamUse {
    /// Its name, without the deployment's prefix.
    pub stream: &'static str,
    pub messages: u64,
    pub bytes: u64,
    /// How many bytes it may hold, if that is bounded.
    pub max_bytes: Option<u64>,
}

impl StreamUse {
    /// All streams, without the deployment's prefix.
    pub const STREAMS: [&str; 3] = ["RUNS", "RUN_EVENTS", "RUN_DEAD_LETTERS"];
}

impl Streams {
    /// Asks NATS for each of them; for one that is missing, too, it fails.
    pub async fn usage(&self) -> Result<Vec<StreamUse>, GetStreamError> {
        let mut all = Vec::new();
        for (stream, config) in StreamUse::STREAMS.into_iter().zip(self.configs()) {
            let info = self.jetstream().get_stream(config.name).await?;
            all.push(of(stream, info.cached_info()));
        }
        Ok(all)
    }
}

fn of(stream: &'static str, info: &jetstream::stream::Info) -> StreamUse {
    StreamUse {
        stream,
        messages: info.state.messages,
        bytes: info.state.bytes,
        max_bytes: u64::try_from(info.config.max_bytes).ok().filter(|it| 0 < *it),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Names;

    #[test]
    fn each_stream_goes_by_its_own_name() {
        let configs = Names::with_prefix("").stream_configs(1);
        assert_eq!(configs.map(|it| it.name), StreamUse::STREAMS);
    }
}
