//! Where a value comes from.

use std::time::SystemTime;

use anyhow::Context as _;
use bytes::{BufMut as _, Bytes, BytesMut};
use rand::RngCore as _;

use super::{
    inputs::{Input, Inputs},
    number,
    template::Template,
};

/// Seconds from 1970 to 2000, from which Postgres counts.
const EPOCH: i64 = 946_684_800;

/// One parameter of a statement.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Constant(Option<Bytes>),
    /// As it was recorded, though it differs from call to call: a duration, for example.
    Measured(Bytes),
    Number {
        origin: Origin,
        plus: i64,
        oid: u32,
        binary: bool,
    },
    /// As a statement before has returned it.
    Returned(usize),
    Text(Template),
    Array(super::array::Array<Source>),
    /// So many microseconds from now.
    Now(i64),
    Random(usize),
    /// Of this form: a letter is any hexadecimal digit.
    Hexadecimal(Bytes),
}

/// Where a number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Input(usize),
    Slot(usize),
}

/// A value of a row that later statements need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) step: usize,
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) oid: u32,
}

/// What is known while a script runs.
#[derive(Debug)]
pub(super) struct Values<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) slots: &'a [Slot],
    pub(super) returned: Vec<Option<Bytes>>,
}

impl Values<'_> {
    pub(super) fn number(&self, origin: Origin) -> anyhow::Result<i64> {
        let number = match origin {
            Origin::Input(index) => match self.inputs.get(index) {
                Input::Number(number) => Some(*number),
                Input::Text(_) => None,
            },
            Origin::Slot(index) => self.returned[index]
                .as_ref()
                .and_then(|bytes| number::read(bytes, self.slots[index].oid, true)),
        };
        number.context("a number was expected where there is none")
    }
}

impl Source {
    /// The bytes of the parameter; `None` is NULL.
    pub(super) fn value(&self, values: &Values<'_>) -> anyhow::Result<Option<Bytes>> {
        Ok(match self {
            Self::Constant(value) => value.clone(),
            Self::Measured(value) => Some(value.clone()),
            Self::Number { origin, plus, oid, binary } => {
                Some(number::write(values.number(*origin)? + plus, *oid, *binary))
            }
            Self::Returned(slot) => values.returned[*slot].clone(),
            Self::Text(template) => Some(template.fill(values)?),
            Self::Array(array) => Some(array.fill(values)?),
            Self::Now(offset) => Some(Bytes::copy_from_slice(
                &(microseconds(SystemTime::now()) + offset).to_be_bytes(),
            )),
            Self::Random(length) => {
                let mut bytes = BytesMut::zeroed(*length);
                rand::rng().fill_bytes(&mut bytes);
                Some(bytes.freeze())
            }
            Self::Hexadecimal(form) => Some(hexadecimal(form)),
        })
    }
}

/// As in a `timestamptz`.
pub(super) fn microseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_micros() as i64 - EPOCH * 1_000_000
}

fn hexadecimal(form: &[u8]) -> Bytes {
    let mut random = rand::rng();
    let mut text = BytesMut::with_capacity(form.len());
    for byte in form {
        text.put_u8(match byte {
            b'x' => b"0123456789abcdef"[random.next_u32() as usize % 16],
            _ => *byte,
        });
    }
    text.freeze()
}
