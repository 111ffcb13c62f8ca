//! What the service measures, with all series that can be known beforehand. docs/metrics.md
//! has the list.

mod calls;
mod door;
mod queue;
mod runs;
mod sweeps;

use bootstrap::metrics::Histograms;

pub(crate) use calls::{Call, failed, waits};
pub(crate) use door::{By, connected, refused};
pub use queue::watch_queue;
pub(crate) use runs::{not_published, run_ended};
pub(crate) use sweeps::Sweep;

/// The histograms, and the upper bounds of their buckets.
pub const HISTOGRAMS: Histograms<'_> = calls::HISTOGRAMS;

/// Shows all of it from now on.
pub fn register() {
    calls::register();
    door::register();
    queue::register();
    runs::register();
    sweeps::register();
}
