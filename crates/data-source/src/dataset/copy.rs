//! COPY of a checked file's rows, in chunks: one is filled while others travel.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use futures::SinkExt;
use tokio::{sync::mpsc, task::spawn_blocking};
use tokio_postgres::{Client, error::SqlState};

use super::{
    csv::{Reader, Record},
    import::{Checked, rewind},
    infer::DataType,
};
use crate::Error;

const CHUNK_LEN: usize = 256 * 1024;
const CHUNKS_WAITING: usize = 2;

/// Sends every row to a table and gives their number.
pub(super) async fn copy(client: &Client, table: &str, checked: Checked) -> Result<u64, Error> {
    // Frozen: a reader whose snapshot is older sees the rows once the table has the
    // name that it asks for, and not an empty table.
    let statement = format!("COPY {table} FROM STDIN WITH (FREEZE)");
    let sink = client.copy_in(&statement).await.map_err(of_row)?;
    let mut sink = pin!(sink);

    let (sender, mut chunks) = mpsc::channel(CHUNKS_WAITING);
    let encoder = spawn_blocking(move || encode(checked, &sender));
    while let Some(chunk) = chunks.recv().await {
        // Leaving drops the receiver, which ends the encoder.
        sink.feed(chunk).await.map_err(of_row)?;
    }
    // What a panic says may be what is in the rows.
    encoder.await.map_err(|_| Error::Store("encoding rows panicked".into()))??;
    sink.as_mut().finish().await.map_err(of_row)
}

/// Encodes rows until the end, or until nobody takes them any more.
fn encode(checked: Checked, chunks: &mpsc::Sender<Bytes>) -> Result<(), Error> {
    let Checked { mut file, delimiter, null_markers, columns } = checked;
    rewind(&mut file)?;
    let mut reader = Reader::new(&file, delimiter)?;
    let mut record = Record::default();
    reader.read(&mut record)?;

    let mut chunk = BytesMut::with_capacity(CHUNK_LEN);
    while reader.read(&mut record)? {
        for (index, (field, (_, data_type))) in record.fields().zip(&columns).enumerate() {
            if index > 0 {
                chunk.extend_from_slice(b"\t");
            }
            if null_markers.iter().any(|marker| marker == field) {
                chunk.extend_from_slice(b"\\N");
            } else {
                put(&mut chunk, *data_type, field);
            }
        }
        chunk.extend_from_slice(b"\n");
        if chunk.len() >= CHUNK_LEN && chunks.blocking_send(chunk.split().freeze()).is_err() {
            return Ok(());
        }
    }
    // If nobody takes the last chunk, whoever left knows why.
    let _ = chunks.blocking_send(chunk.freeze());
    Ok(())
}

/// Puts a value as COPY's text format has it.
fn put(chunk: &mut BytesMut, data_type: DataType, value: &str) {
    let value = data_type.to_postgres(value);
    let mut rest = value.as_bytes();
    while let Some(at) = rest.iter().position(|byte| b"\\\n\r\t".contains(byte)) {
        let escaped: &[u8] = match rest[at] {
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            _ => b"\\\\",
        };
        chunk.extend_from_slice(&rest[..at]);
        chunk.extend_from_slice(escaped);
        rest = &rest[at + 1..];
    }
    chunk.extend_from_slice(rest);
}

/// The one thing about a row that the first reading can't see is its size.
fn of_row(error: tokio_postgres::Error) -> Error {
    match error.code() {
        Some(&SqlState::PROGRAM_LIMIT_EXCEEDED) => Error::RowTooLarge,
        _ => Error::of_store(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let mut chunk = BytesMut::new();
        put(&mut chunk, DataType::Text, value);
        assert_eq!(chunk, expected.as_bytes(), "{value:?}");
    }

    #[test]
    fn what_means_something_to_copy_is_escaped() {
        check("plain, \"text\"", "plain, \"text\"");
        check("a\tb\nc\r\n\\d", "a\\tb\\nc\\r\\n\\\\d");
        check("\\N", "\\\\N");
        check("\\.", "\\\\.");
        check("", "");
    }
}
