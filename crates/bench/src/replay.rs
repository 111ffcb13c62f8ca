//! The product's own statements, without the product: what a call executes is learned
//! from recordings of it, and executed again with other values.
//!
//! Of each value that a statement is given, the recordings tell where it comes from: it
//! is the same in all of them, it is an input of the call, a statement before has
//! returned it, or it is made for the call, as a time is. What none of these explains
//! is an error.

mod array;
mod connection;
mod explain;
mod inputs;
mod number;
mod raw;
mod rows;
mod run;
mod script;
mod source;
mod template;
mod units;

pub use inputs::Inputs;
pub use run::Replay;
pub use script::Script;
