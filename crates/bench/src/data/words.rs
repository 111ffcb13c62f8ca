//! The words of messages, which the database makes of every text by itself. That takes longer than
//! all else about a row; while rows are copied, it looks them up instead. What it makes of each
//! text it has said before, for nobody; an owner's are the same but for the owner.

use anyhow::ensure;
use tokio_postgres::Client;

const FUNCTION: &str = "SELECT pg_get_functiondef('message_words(bigint, text)'::regprocedure)";

const LEARN: &str = "
    CREATE TABLE bench_words AS
    SELECT content, message_words(0, content)::text AS words FROM unnest($1::text[]) AS content";

const LOOK_UP: &str = r"
    ALTER TABLE bench_words ADD PRIMARY KEY (content);
    ANALYZE bench_words;
    CREATE OR REPLACE FUNCTION message_words(user_id bigint, content text) RETURNS tsvector
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    BEGIN
        RETURN (
            SELECT replace(known.words, '''owner:0''', '''owner:' || user_id || '''')::tsvector
            FROM bench_words known WHERE known.content = message_words.content
        );
    END $$";

/// Until it is forgotten, messages of these texts alone have words.
#[derive(Debug)]
pub(super) struct Known {
    function: String,
}

pub(super) async fn know(client: &Client, texts: &[String]) -> anyhow::Result<Known> {
    let function = function(client).await?;
    client.execute(LEARN, &[&texts]).await?;
    client.batch_execute(LOOK_UP).await?;
    Ok(Known { function })
}

impl Known {
    /// Brings back the database's own way.
    pub(super) async fn forget(self, client: &Client) -> anyhow::Result<()> {
        client.batch_execute(&self.function).await?;
        client.batch_execute("DROP TABLE bench_words").await?;
        let now = function(client).await?;
        ensure!(now == self.function, "the function is not what it was: {now}");
        Ok(())
    }
}

async fn function(client: &Client) -> anyhow::Result<String> {
    Ok(client.query_one(FUNCTION, &[]).await?.try_get(0)?)
}
