//! The log: a line of JSON for each event, with the ids of the spans that it is in.

mod fields;
pub(super) mod ids;

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::Value;
use tracing::{
    Event, Id, Subscriber,
    span::{Attributes, Record},
};
use tracing_subscriber::{
    Layer,
    fmt::{
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    layer::Context,
    registry::LookupSpan,
};

use fields::Fields;
use ids::Ids;

pub(super) struct Lines;

impl<S> Layer<S> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut ids = Ids::default();
        attributes.record(&mut ids);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(ids);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(ids) = span.extensions_mut().get_mut::<Ids>() {
            values.record(ids);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = head(event);
        event.record(&mut line);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(ids) = span.extensions().get::<Ids>() {
                ids.iter().for_each(|(name, value)| line.add(name, value));
            }
        }
        if let Ok(mut line) = serde_json::to_vec(&line) {
            line.push(b'\n');
            // There is nobody to tell.
            let _ = io::stdout().lock().write_all(&line);
        }
    }
}

/// What every line has.
fn head(event: &Event<'_>) -> Fields {
    let mut time = String::new();
    // It fails where a text can't be written to.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    let metadata = event.metadata();
    let head = [
        ("timestamp", &*time),
        ("level", metadata.level().as_str()),
        ("target", metadata.target()),
    ];
    Fields(head.map(|(name, value)| (name.to_owned(), Value::from(value))).into())
}

impl Serialize for Fields {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
