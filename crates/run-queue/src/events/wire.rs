//! Events as they are written, each small enough for any server.

use std::{iter, time::Duration};

use prost::Message as _;
use prost_types::{ListValue, NullValue, Value, value::Kind};
use proto::v1::{self as pb, RunState};

pub(super) use proto::v1::run_event::Event;

use super::{End, Preview, TruncatedBy};

/// What no event exceeds. A server takes 1 MiB unless it is told otherwise.
pub(super) const MAX_BYTES: usize = 128 * 1024;

const MAX_VALUE_CHARS: usize = 200;
const MAX_MESSAGE_CHARS: usize = 2_000;
/// Of a statement that failed.
const MAX_SQL_CHARS: usize = 4_000;
/// A longer piece of the answer becomes several events.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// For what an event has besides its rows and columns.
const OVERHEAD: usize = 256;

pub(super) fn to_events(event: super::Event) -> Vec<Event> {
    use super::Event as Told;
    let event = match event {
        Told::TextDelta(text) => return pieces(&text).map(text_delta).collect(),
        Told::Attempt { number } => Event::Attempt(pb::RunAttemptEvent { number }),
        Told::SqlGenerated(sql_query) => Event::SqlGenerated(pb::SqlGeneratedEvent { sql_query }),
        Told::SqlError { reason, message, sql, number } => Event::SqlError(pb::SqlErrorEvent {
            error: Some(error(reason, message)),
            sql_query: cut(sql, MAX_SQL_CHARS),
            number,
        }),
        Told::Rows(preview) => Event::Rows(rows(preview)),
        Told::Cancelling => state(RunState::Cancelling),
        Told::Ended(End::Cancelled) => state(RunState::Cancelled),
        Told::Ended(End::Expired) => state(RunState::Expired),
        Told::Ended(End::Failed) => state(RunState::Failed),
        Told::Retrying { reason, message, after } => {
            Event::State(retrying(error(reason, message), after))
        }
    };
    vec![event]
}

fn state(state: RunState) -> Event {
    Event::State(pb::RunStateEvent { state: state.into(), ..Default::default() })
}

fn retrying(error: pb::RunError, after: Duration) -> pb::RunStateEvent {
    pb::RunStateEvent {
        state: RunState::Queued.into(),
        error: Some(error),
        retry_after: after.try_into().ok(),
    }
}

fn error(reason: String, message: String) -> pb::RunError {
    pb::RunError { reason, message: cut(message, MAX_MESSAGE_CHARS) }
}

fn text_delta(text: &str) -> Event {
    Event::TextDelta(pb::TextDeltaEvent { text: text.to_owned() })
}

fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.floor_char_boundary(MAX_TEXT_BYTES));
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Whole rows only, as many as there is room for.
fn rows(preview: Preview) -> pb::RowsEvent {
    let Preview { columns, rows, row_count, truncated_by, total_rows } = preview;
    let mut event = pb::RowsEvent {
        columns,
        rows: Vec::new(),
        row_count,
        truncated: truncated_by.is_some(),
        truncated_by: to_truncated_by(truncated_by).into(),
        total_rows,
    };
    let mut size = event.encoded_len() + OVERHEAD;
    for row in rows.into_iter().take(Preview::MAX_ROWS) {
        let row = ListValue { values: row.into_iter().map(value).collect() };
        size += row.encoded_len() + prost::length_delimiter_len(row.encoded_len()) + 1;
        if MAX_BYTES < size {
            break;
        }
        event.rows.push(row);
    }
    event
}

fn to_truncated_by(truncated_by: Option<TruncatedBy>) -> pb::TruncatedBy {
    match truncated_by {
        None => pb::TruncatedBy::Unspecified,
        Some(TruncatedBy::Rows) => pb::TruncatedBy::Rows,
        Some(TruncatedBy::Bytes) => pb::TruncatedBy::Bytes,
    }
}

fn value(value: Option<String>) -> Value {
    let kind = match value {
        Some(text) => Kind::StringValue(cut(text, MAX_VALUE_CHARS)),
        None => Kind::NullValue(NullValue::NullValue.into()),
    };
    Value { kind: Some(kind) }
}

fn cut(mut text: String, max_chars: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(max_chars) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
