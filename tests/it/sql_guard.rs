//! The SQL guard in front of a real server: what passes returns what Postgres itself
//! returns, and what attacks does nothing to a database that the role owns.

mod attacks;
mod legitimate;
mod mutations;
mod series;

use std::time::Duration;

use data_source::{
    Egress, Limits, Pools, Schema, Settings, Source,
    guard::{self, Query},
};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::harness::OtherDatabase;

const LIMITS: Limits = Limits {
    max_rows: 10_000,
    max_bytes: 10_000_000,
    timeout: Duration::from_secs(30),
    max_cost: f64::MAX,
};

const PUBLIC_ATTACKS: &str =
    include_str!("../../crates/data-source/testdata/sql/postgres-attacks.tsv");
const PUBLIC_LEGITIMATE: &str =
    include_str!("../../crates/data-source/testdata/sql/postgres-legitimate.tsv");
const ATTACKS: &str = include_str!("sql_guard/attacks.tsv");
const TABLES: &str = include_str!("sql_guard/tables.sql");

/// What the tables of each schema are asked.
const QUESTIONS: [(&str, &str); 5] = [
    ("school", include_str!("sql_guard/school.tsv")),
    ("store", include_str!("sql_guard/store.tsv")),
    ("racing", include_str!("sql_guard/racing.tsv")),
    ("clinic", include_str!("sql_guard/clinic.tsv")),
    ("store", include_str!("sql_guard/series.tsv")),
];

type Row = Vec<Option<String>>;

/// The category and the statement of each line.
fn lines(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().filter_map(|line| line.split_once('\t'))
}

/// A database, and its role's way into it.
struct Database {
    pools: Pools,
    source: Source,
    schema: Schema,
    admin: Client,
}

impl Database {
    /// With the tables of the questions, which the role may read.
    async fn with_tables() -> Self {
        let database = OtherDatabase::create("").await;
        database.admin.batch_execute(TABLES).await.expect("the tables are valid");
        for schema in ["school", "store", "racing", "clinic", "sales", "public"] {
            let grant = format!(
                "GRANT USAGE ON SCHEMA {schema} TO {0};
                 GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {0}",
                database.name
            );
            database.admin.batch_execute(&grant).await.expect("a superuser may grant");
        }
        Self::introspected(database).await
    }

    async fn introspected(database: OtherDatabase) -> Self {
        let pools = Pools::new(Egress::default(), Settings::default());
        let source = database.source();
        let schema = pools.introspect(&source).await.expect("the role can log in");
        Self { pools, source, schema, admin: database.admin }
    }

    fn only(&self, schemas: &[&str]) -> Schema {
        let tables = self.schema.tables.iter();
        let tables = tables.filter(|it| schemas.contains(&it.schema.as_str())).cloned();
        Schema { tables: tables.collect(), ..self.schema.clone() }
    }

    /// A session of the role, past everything that we put before it.
    async fn log_in(&self, search_path: &str) -> Client {
        let mut config = tokio_postgres::Config::new();
        config.host(&self.source.host).port(self.source.port).dbname(&self.source.database);
        config.user(&self.source.user).password(&self.source.password);
        let (client, connection) = config.connect(NoTls).await.expect("the role can log in");
        tokio::spawn(connection);
        let path = format!("SET search_path = {search_path}");
        client.batch_execute(&path).await.expect("the search path is valid");
        client
    }

    async fn query(
        &self,
        schema: &Schema,
        query: &Query,
        limits: &Limits,
    ) -> Result<data_source::Rows, data_source::Error> {
        self.pools.query(&self.source, schema, query, limits).await
    }

    /// The rows of a statement that went through guard and execution.
    async fn rows(&self, schema: &Schema, sql: &str) -> Result<data_source::Rows, String> {
        let query = guard::check(sql, schema).map_err(|refusal| refusal.to_string())?;
        let rows = self.query(schema, &query, &LIMITS).await;
        rows.map_err(|error| format!("{error:?} of {}", query.as_str()))
    }
}

/// The rows of a statement as psql shows them.
async fn direct(client: &Client, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
    let messages = client.simple_query(sql).await?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|index| row.get(index).map(str::to_owned)).collect())
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// Rows that went through `::text`, as psql shows them: a boolean's text has one letter,
/// and the blanks at the end of a `char(n)` are not part of it.
fn shown(rows: data_source::Rows) -> Vec<Row> {
    let is_boolean: Vec<_> = rows.columns.iter().map(|it| it.type_name == "bool").collect();
    let value = |(index, value): (usize, Option<String>)| match value {
        Some(value) if is_boolean[index] => Some(value[..1].to_owned()),
        value => value,
    };
    rows.rows.into_iter().map(|row| row.into_iter().enumerate().map(value).collect()).collect()
}
