//! Having all messages embedded anew, with another model.

use std::time::Duration;

use bootstrap::{Log, ModelSettings, Secret};
use clap::Args;
use storage::{
    Database,
    background::{self, Kind},
    embeddings::{self, BATCH},
};
use tokio::time;
use tokio_util::sync::CancellationToken;

/// How many tasks may wait: new messages wait behind them.
const MAX_BACKLOG: i64 = 2_000;
/// How often to look whether workers have come on.
const POLL: Duration = Duration::from_millis(500);

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Tertulia's own Postgres database, as a postgres:// URL
    #[arg(long, env, hide_env_values = true)]
    pub database_url: Secret,

    /// As the workers and the session service have them
    #[command(flatten)]
    pub models: ModelSettings,

    #[command(flatten)]
    pub log: Log,
}

impl Options {
    /// The model's name, if the workers can know it.
    pub fn model(&self) -> anyhow::Result<String> {
        let models = self.models.models()?;
        Ok(self.models.embedder(&models)?.model)
    }
}

/// Has workers embed all messages that the model has not embedded, and returns how
/// many they are. Stopped and started again it goes on where it was; `None` says that
/// it was stopped.
pub async fn reembed(
    db: &Database,
    model: &str,
    shutdown: &CancellationToken,
) -> Result<Option<i64>, storage::Error> {
    let mut enqueued = 0;
    while !shutdown.is_cancelled() {
        if MAX_BACKLOG < background::lag(db, Kind::Embed).await?.tasks {
            shutdown.run_until_cancelled(time::sleep(POLL)).await;
            continue;
        }
        let step = embeddings::go_on_again(db, model).await?;
        enqueued += step.enqueued;
        tracing::info!(enqueued, last_message_id = %step.last_message_id, "messages to embed");
        if step.seen < BATCH {
            embeddings::finish_again(db, model).await?;
            return Ok(Some(enqueued));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_not_configured_is_refused() {
        let options = |model: &str| Options {
            database_url: "postgres://a@h/one".parse().unwrap(),
            models: ModelSettings {
                model_providers: "[]".parse().unwrap(),
                embedding_model: model.to_owned(),
            },
            log: Log::default(),
        };
        assert_eq!(options("builtin").model().unwrap(), "builtin");
        let refusal = options("bulitin").model().unwrap_err();
        assert_eq!(format!("{refusal:#}"), "EMBEDDING_MODEL: the model bulitin is not available");
    }
}
