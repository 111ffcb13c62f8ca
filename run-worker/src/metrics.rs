//! What a worker measures, with all series that can be known beforehand. docs/metrics.md has
//! the list.

mod attempts;
mod statements;

use bootstrap::metrics::Histograms;

pub(crate) use attempts::{
    AttemptEnd, attempt_begun, attempt_ended, delivered, not_published, run_ended, slots,
};
pub(crate) use statements::{
    Stage, corrected, executed, failed, gave_up, refused, timed, took, truncated,
};

/// The histograms, and the upper bounds of their buckets.
pub const HISTOGRAMS: Histograms<'_> = statements::HISTOGRAMS;

/// Shows all of it from now on.
pub fn register() {
    attempts::register();
    statements::register();
}
