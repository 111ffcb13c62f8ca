//! Decides whether a statement may run, before any database sees it.
//!
//! It fails closed: limits come before parsing, and a walk over the whole syntax
//! tree accepts what it knows and nothing else. What runs is the text printed from
//! that tree, never the text that came in.

mod aggregate;
mod call;
mod catalog;
mod column;
mod expr;
mod from;
mod functions;
mod limits;
mod literal;
mod names;
mod operators;
mod output;
mod parse;
mod print;
mod query;
mod refusal;
mod scope;
mod select;
mod series;
mod spelling;
#[cfg(test)]
mod tests;
mod types;

use std::thread;

pub(crate) use functions::function_names;
pub use refusal::Refusal;

use self::catalog::Catalog;
use self::scope::Scope;
use crate::Schema;

/// The parser, the walk, the printer and the destructors recurse as deep as an
/// operator chain is long. Four thousand words, the most that is accepted, need
/// less than half of this even in a debug build.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// A statement that may be executed: one query, as re-printed from its syntax tree.
///
/// Its tables are all qualified, so that no search path decides what they are. It
/// relies on `standard_conforming_strings`, which is on unless someone turns it off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    text: String,
    is_aggregate: bool,
}

impl Query {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it returns one row at most, whose every column is a plain `count`, `sum`
    /// or `avg`. Which rows these are taken from is not looked at: it may be one alone.
    pub fn is_aggregate(&self) -> bool {
        self.is_aggregate
    }
}

/// Accepts one query over the tables of `schema`.
///
/// Takes milliseconds, on a thread of its own whose stack holds any statement
/// within the limits, and waits for it.
pub fn check(sql: &str, schema: &Schema) -> Result<Query, Refusal> {
    thread::scope(|threads| {
        let checking = thread::Builder::new()
            .name("sql-guard".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(threads, || check_on_this_stack(sql, schema));
        match checking.map(|it| it.join()) {
            Ok(Ok(checked)) => checked,
            Ok(Err(_)) => Err(Refusal::not_parsed("the parser failed on it")),
            Err(_) => Err(Refusal::not_parsed("there is no room for another thread")),
        }
    })
}

fn check_on_this_stack(sql: &str, schema: &Schema) -> Result<Query, Refusal> {
    let mut query = parse::untrusted(sql)?;
    print::normalise(&mut query);
    series::stream(&mut query);
    Walk { catalog: Catalog::new(schema) }.query(&mut query, &Scope::default())?;
    let text = print::print(&query)?;
    Ok(Query { text, is_aggregate: aggregate::is_aggregate(&query) })
}

/// The walk over a tree. It qualifies the tables that it finds, and changes nothing
/// else. Structs are taken apart to the last field and enums matched to the last
/// variant (types alone have a list, beyond which all are refused), so that an
/// upgrade of the parser fails to compile until its additions have been judged.
struct Walk<'a> {
    catalog: Catalog<'a>,
}
