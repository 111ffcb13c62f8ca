//! Looking behind the API.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use prost::Message as _;
use proto::v1 as pb;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::{Harness, eventually, superuser_in};

/// A question whose statement goes on for hours, if it is let.
pub(crate) const LONG_QUESTION: &str =
    "SELECT count(*) FROM penguins a, penguins b, penguins c, penguins d, penguins e";

impl Harness {
    /// Asks Tertulia's own database for a number.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let row = self.db.query_one_raw(statement).await.expect("the database answers");
        row.expect("there is a row").try_get_by_index(0).expect("it is a bigint")
    }

    /// Asks Tertulia's own database for a text.
    pub(crate) async fn text(&self, sql: &str) -> String {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let row = self.db.query_one_raw(statement).await.expect("the database answers");
        row.expect("there is a row").try_get_by_index(0).expect("it is a text")
    }

    /// Changes something in Tertulia's own database.
    pub(crate) async fn execute(&self, sql: &str) {
        self.db.execute_unprepared(sql).await.expect("the database answers");
    }

    /// Waits until so many statements of [`LONG_QUESTION`] are going on in the data
    /// sets' database, and says how long it took.
    pub(crate) async fn statements_are(&self, count: i64) -> Duration {
        let began_at = Instant::now();
        let observer = superuser_in(&self.sources.store.source(1, "").database).await;
        let sql = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND state = 'active' AND query ~ $1";
        eventually("the data sets' database being as busy as it should", async || {
            let row = observer
                .query_one(sql, &[&"penguins.*penguins"])
                .await
                .expect("the server answers");
            (row.get::<_, i64>(0) == count).then_some(())
        })
        .await;
        began_at.elapsed()
    }

    /// What has been put aside, oldest first.
    pub(crate) async fn dead_letters(&self) -> Vec<pb::DeadLetter> {
        let jetstream = jetstream::new(self.nats.clone());
        let stream = format!("{}_RUN_DEAD_LETTERS", self.names_prefix);
        let Ok(mut stream) = jetstream.get_stream(stream).await else { return Vec::new() };
        let count = stream.info().await.expect("it exists").state.messages;
        let mut letters = Vec::new();
        for sequence in 1..=count {
            let message = stream.get_raw_message(sequence).await.expect("it is kept");
            letters.push(pb::DeadLetter::decode(message.payload).expect("it is a letter"));
        }
        letters
    }

    /// Asserts that a session whose runs have all ended has, for each that was
    /// admitted, its question and one answer, in their order and without gaps; for
    /// the others nothing; and that its counter is right.
    pub(crate) async fn assert_sound(&self, session_id: i64) {
        let checks = [
            (
                "runs that have not ended",
                "SELECT count(*) FROM runs WHERE chat_session_id = $ AND ended_at IS NULL",
            ),
            (
                "runs with messages that they should not have, or without",
                "SELECT count(*) FROM runs WHERE chat_session_id = $ AND ARRAY(
                    SELECT role FROM messages WHERE run_id = runs.id ORDER BY sequence_order
                ) <> CASE WHEN admitted_at IS NULL THEN ARRAY[]::text[]
                    ELSE ARRAY['user', 'assistant'] END",
            ),
            (
                "gaps",
                "SELECT count(*) FROM (
                    SELECT sequence_order, row_number() OVER (ORDER BY sequence_order) AS place
                    FROM messages WHERE chat_session_id = $
                ) AS places WHERE sequence_order <> place",
            ),
            (
                "messages that are out of turn",
                "SELECT count(*) FROM (
                    SELECT run_id, lag(run_id) OVER (ORDER BY sequence_order) AS before
                    FROM messages WHERE chat_session_id = $
                ) AS turns WHERE run_id < before",
            ),
            (
                "messages that are not counted, or counted twice",
                "SELECT total_messages - (SELECT count(*) FROM messages WHERE chat_session_id = $)
                FROM chat_sessions WHERE id = $",
            ),
        ];
        for (what, sql) in checks {
            let found = self.number(&sql.replace('$', &session_id.to_string())).await;
            assert_eq!(found, 0, "{what}");
        }
    }
}
