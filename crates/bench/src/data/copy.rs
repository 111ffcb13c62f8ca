//! Rows in bulk, as binary COPY takes them.

use std::pin::Pin;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::SinkExt as _;
use tokio_postgres::{Client, CopyInSink};

/// It begins so, and ends with the other.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;
/// How much is sent at once.
const PIECE: usize = 256 * 1024;

pub(super) struct Copy {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    rows: BytesMut,
}

impl Copy {
    /// `into` is a table with its columns.
    pub(super) async fn begin(client: &Client, into: &str) -> anyhow::Result<Self> {
        let sink = client.copy_in(&format!("COPY {into} FROM STDIN (FORMAT binary)")).await?;
        let mut rows = BytesMut::with_capacity(2 * PIECE);
        rows.put_slice(HEADER);
        Ok(Self { sink: Box::pin(sink), rows })
    }

    /// Begins a row of so many fields.
    pub(super) fn row(&mut self, fields: i16) -> Row<'_> {
        self.rows.put_i16(fields);
        Row(&mut self.rows)
    }

    /// Sends what there is once it is enough.
    pub(super) async fn flush(&mut self) -> anyhow::Result<()> {
        if PIECE <= self.rows.len() {
            self.sink.send(self.rows.split().freeze()).await?;
            self.rows.reserve(2 * PIECE);
        }
        Ok(())
    }

    /// How many rows there were.
    pub(super) async fn end(mut self) -> anyhow::Result<u64> {
        self.rows.put_i16(TRAILER);
        self.sink.send(self.rows.split().freeze()).await?;
        Ok(self.sink.as_mut().finish().await?)
    }
}

/// Fields in the order of the columns.
pub(super) struct Row<'a>(&'a mut BytesMut);

impl Row<'_> {
    pub(super) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    pub(super) fn int8(self, number: i64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    pub(super) fn int4(self, number: i32) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    pub(super) fn bool(self, is_so: bool) -> Self {
        self.bytes(&[u8::from(is_so)])
    }

    /// Microseconds since 2000.
    pub(super) fn timestamptz(self, time: i64) -> Self {
        self.int8(time)
    }

    pub(super) fn jsonb(self, json: &str) -> Self {
        const VERSION: u8 = 1;
        self.0.put_i32(length(json.len() + 1));
        self.0.put_u8(VERSION);
        self.0.put_slice(json.as_bytes());
        self
    }

    /// As pgvector takes it: how many numbers, nothing, the numbers.
    pub(super) fn vector(self, vector: &[f32]) -> Self {
        self.0.put_i32(length(4 + size_of_val(vector)));
        self.0.put_i16(i16::try_from(vector.len()).expect("vectors are short"));
        self.0.put_i16(0);
        vector.iter().for_each(|number| self.0.put_f32(*number));
        self
    }

    pub(super) fn null(self) -> Self {
        self.0.put_i32(-1);
        self
    }

    pub(super) fn bytes(self, value: &[u8]) -> Self {
        self.0.put_i32(length(value.len()));
        self.0.put_slice(value);
        self
    }
}

fn length(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("fields are short")
}
