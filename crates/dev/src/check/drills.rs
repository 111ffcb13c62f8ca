//! Drills: what operators go through once in a while, each on the same fresh stack, one after the
//! other.

mod pgbouncer;

use super::stack::with_stack;
use crate::up;

pub(super) async fn check() -> anyhow::Result<()> {
    with_stack("drills", up::Options::apart()?, async |stack, settings| {
        eprintln!("drill: a pooler before Postgres");
        pgbouncer::drill(stack, settings).await
    })
    .await
}
