//! What is not kept for ever: when it goes, and that nothing else does.

mod aged;
mod agents;
mod large;
mod results;
mod sessions;
mod soak;

use storage::retention::{self, Purged};

use crate::harness::Harness;

/// As the sweep takes them.
const PIECE: i64 = 200;

impl Harness {
    /// Has everything that is there happened so long ago.
    async fn age(&self, interval: &str) {
        self.execute(&format!(
            "UPDATE chat_sessions SET last_activity = last_activity - interval '{interval}',
                updated_at = updated_at - interval '{interval}',
                deleted_at = deleted_at - interval '{interval}',
                purge_at = purge_at - interval '{interval}';
            UPDATE runs SET ended_at = ended_at - interval '{interval}';
            UPDATE run_results SET created_at = created_at - interval '{interval}';
            UPDATE agents SET deleted_at = deleted_at - interval '{interval}';
            UPDATE data_sources SET deleted_at = deleted_at - interval '{interval}'"
        ))
        .await;
    }

    /// Purges all sessions that are due, and says what that was.
    async fn purge_sessions(&self) -> Purged {
        let mut all = Purged::default();
        loop {
            let purged = retention::purge_sessions(&self.db, None, PIECE).await;
            let Purged { sessions, messages, embeddings, runs, results } =
                purged.expect("the database answers");
            if runs + sessions == 0 {
                return all;
            }
            all.sessions += sessions;
            all.messages += messages;
            all.embeddings += embeddings;
            all.runs += runs;
            all.results += results;
        }
    }

    async fn count(&self, table: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {table}")).await
    }
}
