//! What a statement would cost, by the planner's estimate.

use serde::Deserialize;
use tokio_postgres::{Row, types::Json};

use super::wrapper::Wrapped;
use crate::{Error, session::Session};

/// A plan is some hundred bytes a node; what is longer is none.
const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Of what one function in FROM returns, whatever the statement may cost: some ten
/// million rows, all of which Postgres writes to its disk before the first is read.
const MAX_FUNCTION_COST: f64 = 100_000.0;

pub(super) struct Cost {
    total: f64,
    /// Of the rows of the dearest function in FROM.
    function: f64,
}

#[derive(Deserialize)]
struct Explained<N> {
    #[serde(rename = "Plan")]
    plan: N,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    #[serde(rename = "Node Type")]
    node_type: String,
    #[serde(rename = "Startup Cost")]
    startup_cost: f64,
    #[serde(rename = "Total Cost")]
    total_cost: f64,
    #[serde(default)]
    plans: Vec<Node>,
}

#[derive(Deserialize)]
struct Top {
    #[serde(rename = "Total Cost")]
    total_cost: f64,
}

/// Asks what a statement would cost.
pub(super) async fn cost(session: &Session, statement: &Wrapped<'_>) -> Result<Cost, Error> {
    session.budget().set(MAX_BYTES);
    let explained = statement.explained();
    let rows = session.client.query_typed(&explained.text(), &[]).await;
    let rows = rows.map_err(|error| match session.budget().is_spent() {
        // A constant of the statement's may be computed for it.
        true => Error::refused("54000", "the statement's plan is too large"),
        false => explained.failure(error),
    })?;
    match rows.as_slice() {
        [row] => cost_in(row),
        rows => Err(Error::of_nonsense(format!("a plan in {} rows", rows.len()))),
    }
}

fn cost_in(row: &Row) -> Result<Cost, Error> {
    if let Ok(Json([explained])) = row.try_get::<_, Json<[Explained<Node>; 1]>>(0) {
        return Ok(explained.plan.cost());
    }
    // A plan may nest deeper than is read; its top says enough.
    let Json([top]) = row.try_get::<_, Json<[Explained<Top>; 1]>>(0).map_err(Error::of_nonsense)?;
    Ok(Cost { total: top.plan.total_cost, function: 0.0 })
}

impl Cost {
    /// Refuses what costs more than it may.
    pub(super) fn check(&self, max: f64) -> Result<(), Error> {
        for (cost, max) in [(self.total, max), (self.function, MAX_FUNCTION_COST)] {
            if max < cost {
                return Err(Error::TooExpensive { cost, max });
            }
        }
        Ok(())
    }
}

impl Node {
    /// Its own, or that of a function that it reads a few rows from: Postgres has
    /// the function write all of its rows down first, which its estimate for a
    /// `LIMIT` leaves out.
    fn cost(&self) -> Cost {
        let own = Cost { total: self.total_cost, function: 0.0 };
        self.functions().into_iter().fold(own, |cost, it| Cost {
            total: cost.total.max(it.total_cost),
            // What comes before its first row is the cost of its arguments.
            function: cost.function.max(it.total_cost - it.startup_cost),
        })
    }

    /// All functions in FROM.
    fn functions(&self) -> Vec<&Self> {
        let own = (self.node_type == "Function Scan").then_some(self);
        own.into_iter().chain(self.plans.iter().flat_map(Self::functions)).collect()
    }
}
