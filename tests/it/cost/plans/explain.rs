use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
};

use bytes::BytesMut;
use recorder::{Execution, Value};
use tokio_postgres::{
    Client, Config, NoTls,
    types::{Format, IsNull, ToSql, Type, to_sql_checked},
};

use super::filled::LARGE;
use crate::harness::Harness;

/// The longest page, and the row that tells whether there is another.
const PAGE: f64 = 101.0;

/// What Postgres reckons for planning, of as many tables as our statements have at most.
const PLANNING: f64 = 25.0;

/// Asks how statements would be executed.
pub(super) struct Explainer {
    client: Client,
    database: String,
    /// Of the large tables' indexes.
    first_columns: HashMap<String, String>,
}

const FIRST_COLUMNS: &str = "
    SELECT relname::text, pg_get_indexdef(indexrelid, 1, true)
    FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE indrelid = ANY ($1::text[]::regclass[])";

/// A parameter as it was recorded.
#[derive(Debug)]
struct Recorded<'a>(&'a Value);

impl ToSql for Recorded<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(bytes) = &self.0.bytes else { return Ok(IsNull::Yes) };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        if self.0.binary { Format::Binary } else { Format::Text }
    }

    to_sql_checked!();
}

impl Explainer {
    pub(super) async fn connect(harness: &Harness) -> Self {
        let config: Config = harness.database_url.parse().expect("the server's URL is valid");
        let (client, connection) = config.connect(NoTls).await.expect("the server answers");
        tokio::spawn(connection);
        let database = config.get_dbname().expect("the URL has one").to_owned();
        let rows = client.query(FIRST_COLUMNS, &[&LARGE.as_slice()]).await;
        let rows = rows.expect("the tables are there");
        let first_columns = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        Self { client, database, first_columns }
    }

    /// The statements of our own database that can be explained, each once.
    pub(super) fn ours<'a>(
        &self,
        executions: impl Iterator<Item = &'a Execution>,
    ) -> Vec<&'a Execution> {
        let explainable = |it: &&Execution| {
            let first = it.sql.split_whitespace().next().unwrap_or_default();
            let verbs = ["WITH", "SELECT", "INSERT", "UPDATE", "DELETE"];
            it.database == self.database && verbs.contains(&first)
        };
        let by_sql: BTreeMap<&str, &Execution> =
            executions.filter(explainable).map(|it| (it.sql.as_str(), it)).collect();
        by_sql.into_values().collect()
    }

    /// What is wrong with the plans of a statement: the one for its values, and the one for
    /// any, which Postgres takes, once it has executed it some times, if it seems no dearer.
    pub(super) async fn look_at(&self, execution: &Execution) -> Vec<String> {
        let custom = self.custom(execution).await;
        let generic = self.generic(execution).await;
        let mut plans = vec![("for its values", &custom)];
        if cost(&generic) <= cost(&custom) + PLANNING {
            plans.push(("for any values", &generic));
        }
        let mut found = Vec::new();
        for (which, plan) in plans {
            let flaws = self.flaws(&plan[0]["Plan"]).into_iter();
            found.extend(flaws.map(|flaw| format!("{flaw}, {which}: {}", execution.sql)));
        }
        found
    }

    async fn custom(&self, execution: &Execution) -> serde_json::Value {
        let sql = format!("EXPLAIN (FORMAT JSON) {}", execution.sql);
        let types: Vec<Type> = execution.types.iter().map(|it| known(*it)).collect();
        let statement = self.client.prepare_typed(&sql, &types).await;
        let statement = statement.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let values: Vec<Recorded<'_>> = execution.parameters.iter().map(Recorded).collect();
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as _).collect();
        let row = self.client.query_one(&statement, &values).await;
        row.unwrap_or_else(|error| panic!("{sql}: {error:?}")).get(0)
    }

    async fn generic(&self, execution: &Execution) -> serde_json::Value {
        let oids: Vec<u32> = execution.types.clone();
        let names = "SELECT coalesce(array_agg(format_type(oid, NULL) ORDER BY place), '{}')
            FROM unnest($1::oid[]) WITH ORDINALITY AS it (oid, place)";
        let names: Vec<String> =
            self.client.query_one(names, &[&oids]).await.expect("the statement is right").get(0);
        let (types, nulls) = match names.len() {
            0 => (String::new(), String::new()),
            many => {
                (format!("({})", names.join(", ")), format!("({})", vec!["NULL"; many].join(", ")))
            }
        };
        let prepare = format!(
            "SET plan_cache_mode = force_generic_plan; PREPARE looked_at {types} AS {}",
            execution.sql
        );
        let prepared = self.client.batch_execute(&prepare).await;
        prepared.unwrap_or_else(|error| panic!("{prepare}: {error:?}"));
        let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE looked_at {nulls}");
        let plan =
            self.client.query_one(&explain, &[]).await.expect("the statement is right").get(0);
        self.client
            .batch_execute("RESET plan_cache_mode; DEALLOCATE looked_at")
            .await
            .expect("it was prepared");
        plan
    }

    fn flaws(&self, node: &serde_json::Value) -> Vec<String> {
        let below: Vec<&serde_json::Value> =
            node["Plans"].as_array().into_iter().flatten().collect();
        let mut found: Vec<String> = below.iter().flat_map(|it| self.flaws(it)).collect();
        let kind = node["Node Type"].as_str().unwrap_or_default();
        let relation = node["Relation Name"].as_str().unwrap_or_default();
        if kind == "Seq Scan" && LARGE.contains(&relation) {
            found.push(format!("all of {relation} is read"));
        }
        let index = node["Index Name"].as_str().unwrap_or_default();
        if self.first_columns.get(index).is_some_and(|first| !is_by(first, node)) {
            found.push(format!("all of {index} is read"));
        }
        let sorted = below.first().and_then(|it| it["Plan Rows"].as_f64()).unwrap_or_default();
        if kind == "Sort" && PAGE < sorted {
            found.push(format!("{sorted} rows are sorted"));
        }
        found
    }
}

/// Of those that have no fixed number, Postgres knows by itself.
fn known(oid: u32) -> Type {
    Type::from_oid(oid).unwrap_or(Type::UNKNOWN)
}

fn cost(plan: &serde_json::Value) -> f64 {
    plan[0]["Plan"]["Total Cost"].as_f64().expect("a plan has a cost")
}

/// Whether an index is looked into by its first column. One of meanings is by what is nearest, and
/// a primary key may be read in its order until a page is full.
fn is_by(first_column: &str, node: &serde_json::Value) -> bool {
    let is_ordered = !node["Order By"].is_null();
    let is_primary = node["Index Name"].as_str().is_some_and(|it| it.ends_with("_pkey"));
    let condition = node["Index Cond"].as_str().unwrap_or_default();
    let mut words = condition.split(|it: char| !it.is_alphanumeric() && it != '_');
    is_ordered || is_primary || words.any(|it| it == first_column)
}
