use proto::v1 as pb;

use super::{Conversation, PENGUINS};

/// What all of the data sets' tables hold, in a nutshell.
async fn contents(chat: &Conversation) -> String {
    let schema = format!("ds_{}", chat.data_source_id);
    let sql = format!(
        "SELECT (SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY 1)
                   FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema'))
                || (SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {schema}.penguins t)"
    );
    chat.store().await.query_one(&sql, &[]).await.expect("the tables are there").get(0)
}

#[tokio::test]
async fn whatever_writes_or_reaches_out_is_refused_and_changes_nothing() {
    let chat = Conversation::on_penguins().await;
    let before = contents(&chat).await;

    for (statement, reason) in [
        ("DELETE FROM penguins", "SQL_NOT_A_QUERY"),
        ("INSERT INTO penguins (species) VALUES ('Dodo')", "SQL_NOT_A_QUERY"),
        ("UPDATE penguins SET species = 'Dodo'", "SQL_NOT_A_QUERY"),
        (
            "MERGE INTO penguins USING penguins p ON true WHEN MATCHED THEN DELETE",
            "SQL_NOT_A_QUERY",
        ),
        ("DROP TABLE penguins", "SQL_NOT_A_QUERY"),
        ("TRUNCATE penguins", "SQL_NOT_A_QUERY"),
        ("ALTER TABLE penguins ADD x int", "SQL_NOT_A_QUERY"),
        ("CREATE TABLE mine (n int)", "SQL_NOT_A_QUERY"),
        ("CREATE TABLE mine AS SELECT * FROM penguins", "SQL_NOT_A_QUERY"),
        ("GRANT ALL ON penguins TO PUBLIC", "SQL_NOT_A_QUERY"),
        ("COPY penguins TO '/tmp/penguins'", "SQL_NOT_A_QUERY"),
        ("COPY penguins TO PROGRAM 'cat'", "SQL_NOT_A_QUERY"),
        ("SET ROLE postgres", "SQL_NOT_A_QUERY"),
        ("BEGIN", "SQL_NOT_A_QUERY"),
        ("VACUUM FULL penguins", "SQL_NOT_A_QUERY"),
        ("EXPLAIN ANALYZE DELETE FROM penguins", "SQL_NOT_A_QUERY"),
        ("SELECT 1; DROP TABLE penguins", "SQL_NOT_A_QUERY"),
        ("SELECT 1; SELECT 2", "SQL_NOT_A_QUERY"),
        ("WITH x AS (DELETE FROM penguins RETURNING *) SELECT * FROM x", "SQL_NOT_A_QUERY"),
        ("WITH x AS (SELECT 1) DELETE FROM penguins", "SQL_NOT_A_QUERY"),
        ("SELECT * INTO mine FROM penguins", "SQL_CONSTRUCT_NOT_ALLOWED"),
        ("SELECT * FROM penguins FOR UPDATE", "SQL_CONSTRUCT_NOT_ALLOWED"),
        (
            "SELECT 'a' OPERATOR(pg_catalog.%--) '\n) 2, set_config($$a.b$$, $$c$$, false) --'",
            "SQL_CONSTRUCT_NOT_ALLOWED",
        ),
        ("SELECT pg_read_file('/etc/passwd')", "SQL_FUNCTION_NOT_ALLOWED"),
        ("SELECT pg_sleep(60)", "SQL_FUNCTION_NOT_ALLOWED"),
        ("SELECT pg_terminate_backend(1)", "SQL_FUNCTION_NOT_ALLOWED"),
        ("SELECT set_config('transaction_read_only', 'off', true)", "SQL_FUNCTION_NOT_ALLOWED"),
        ("SELECT current_setting('data_directory')", "SQL_FUNCTION_NOT_ALLOWED"),
        ("SELECT lo_import('/etc/passwd')", "SQL_FUNCTION_NOT_ALLOWED"),
        ("SELECT query_to_xml('SELECT 1', true, true, '')", "SQL_FUNCTION_NOT_ALLOWED"),
        ("SELECT nextval('s')", "SQL_FUNCTION_NOT_ALLOWED"),
        (
            "SELECT * FROM dblink('dbname=postgres', 'SELECT 1') AS t(n int)",
            "SQL_FUNCTION_NOT_ALLOWED",
        ),
        ("SELECT species FROM penguins WHERE (1", "SQL_NOT_PARSED"),
        ("DO $$ BEGIN DELETE FROM penguins; END $$", "SQL_NOT_PARSED"),
    ] {
        chat.ask_in_vain(statement, reason).await;
    }

    assert_eq!(contents(&chat).await, before);
}

#[tokio::test]
async fn tables_outside_the_allow_list_do_not_exist() {
    let settings = pb::CreateAgentRequest {
        table_allow_list: vec!["penguins".to_owned()],
        ..Default::default()
    };
    let tables = [("penguins", PENGUINS), ("airports", "name,state\nPorto,PT\n")];
    let chat = Conversation::on_tables(&tables, settings).await;
    let schema = format!("ds_{}", chat.data_source_id);

    for statement in [
        "SELECT count(*) FROM airports".to_owned(),
        format!("SELECT count(*) FROM {schema}.airports"),
        "SELECT count(*) FROM penguins WHERE species IN (SELECT name FROM airports)".to_owned(),
        "SELECT 1 UNION SELECT count(*) FROM airports".to_owned(),
        "WITH penguins AS (SELECT * FROM airports) SELECT count(*) FROM penguins".to_owned(),
    ] {
        chat.ask_in_vain(&statement, "SQL_TABLE_NOT_ALLOWED").await;
    }
    let (in_words, _) = chat.ask("How many airports are there?").await;
    let (allowed, answer) = chat.ask("How many penguins are there?").await;

    assert_eq!(in_words.sql_query, "");
    assert!(!allowed.sql_query.contains("airports"));
    assert_eq!(answer.content, "344");
}

#[tokio::test]
async fn another_data_sets_tables_and_the_catalogs_are_out_of_reach() {
    let chat = Conversation::on_penguins().await;
    let own = chat.api.dataset().await;
    let foreign = chat.harness.api(2).dataset().await;
    chat.api.import(own, "secrets", "s\nmine\n").await.unwrap();
    chat.harness.api(2).import(foreign, "secrets", "s\ntheirs\n").await.unwrap();
    let database = chat.harness.sources.store.source(foreign, "").database;

    for statement in [
        format!("SELECT * FROM ds_{own}.secrets"),
        format!("SELECT * FROM ds_{foreign}.secrets"),
        format!("SELECT * FROM \"ds_{foreign}\".\"secrets\""),
        format!("SELECT * FROM {database}.ds_{foreign}.secrets"),
        "SELECT * FROM secrets".to_owned(),
        "SELECT rolpassword FROM pg_catalog.pg_authid".to_owned(),
        "SELECT rolname FROM pg_roles".to_owned(),
        "SELECT query FROM pg_stat_activity".to_owned(),
        "SELECT * FROM information_schema.tables".to_owned(),
        "SELECT * FROM chat_sessions".to_owned(),
    ] {
        let answer = chat.ask_in_vain(&statement, "SQL_TABLE_NOT_ALLOWED").await;
        assert!(!answer.content.contains("theirs") && !answer.content.contains("mine"));
    }
}

#[tokio::test]
async fn a_statement_that_the_database_refuses_fails_with_its_words() {
    let chat = Conversation::on_penguins().await;

    for (statement, words) in [
        ("SELECT wingspan FROM penguins", "column \"wingspan\" does not exist"),
        ("SELECT 1 / (year - year) FROM penguins", "division by zero"),
    ] {
        let (run, answer) = chat.ask_and_fail(statement, "SQL_FAILED").await;
        assert!(answer.content.contains(words), "{answer:?}");
        assert!(run.sql_query.contains("penguins"), "what was sent is kept: {run:?}");
    }
}
