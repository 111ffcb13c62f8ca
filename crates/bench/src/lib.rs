//! Measures the pair against what the servers themselves can do.

pub mod replay;
