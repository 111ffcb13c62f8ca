//! Panics, as a line in the log. What a panic says is not in it: it may be made of what people
//! have said.

use std::panic;

/// Has panics logged from now on, with the ids of the spans that they are in.
pub(crate) fn log() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "a panic");
    }));
}
