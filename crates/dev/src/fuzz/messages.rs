//! Messages of the API's types with values that nobody means, as bytes.

use prost_types::{
    FieldDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::api::Api;

/// How deep messages lie in each other, at most.
const DEPTH: usize = 4;
/// Beyond this nothing is added: a little more than the service takes.
const MAX_BYTES: usize = 5 << 20;
/// So many times is nothing said, in two bytes each; what the service makes of them is a
/// hundred times as large.
const EMPTY: usize = 1 << 20;

const NUMBERS: [u64; 10] =
    [0, 1, 2, 50, 101, 1 << 31, (1 << 31) - 1, 1 << 63, u64::MAX, u64::MAX >> 1];

const TEXTS: [&[u8]; 14] = [
    b"",
    b" ",
    b"one",
    b"0",
    b"a\0b",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"'; DROP TABLE runs; --",
    b"%_\\",
    b"SELECT 1",
    b"00000000-0000-0000-0000-000000000000",
    b"2f1c8f0e-6c1f-4a59-9d43-6f0f3f1a0b7e",
    "\u{202e}\u{0301}\u{1f469}\u{200d}\u{1f469}".as_bytes(),
    b"title",
];

impl Api {
    /// A message of this type, or nearly.
    pub(super) fn message(&self, random: &mut StdRng, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.append(random, name, DEPTH, &mut bytes);
        if random.random_bool(0.1) {
            let length = random.random_range(0..=bytes.len());
            bytes.truncate(length);
        }
        if random.random_bool(0.05) {
            bytes.extend(garbage(random, 64));
        }
        bytes
    }

    fn append(&self, random: &mut StdRng, name: &str, depth: usize, bytes: &mut Vec<u8>) {
        let Some(message) = self.message_type(name) else { return };
        let left_out = *[0.3, 0.6, 0.9].choose(random).unwrap_or(&0.0);
        for field in &message.field {
            if random.random_bool(left_out) || MAX_BYTES < bytes.len() {
                continue;
            }
            if random.random_bool(0.02) && field.label() == Label::Repeated {
                bytes.extend(empty(field, random.random_range(0..EMPTY)));
                continue;
            }
            let times = if random.random_bool(0.03) { 300 } else { 1 };
            for _ in 0..times {
                if bytes.len() <= MAX_BYTES {
                    self.append_field(random, field, depth, bytes);
                }
            }
        }
    }

    fn append_field(
        &self,
        random: &mut StdRng,
        field: &FieldDescriptorProto,
        depth: usize,
        bytes: &mut Vec<u8>,
    ) {
        let number = u64::from(field.number().unsigned_abs());
        if random.random_bool(0.02) {
            // Of another type than it should be.
            varint(number << 3 | random.random_range(0..8), bytes);
            return bytes.extend(garbage(random, 16));
        }
        match field.r#type() {
            Type::Double | Type::Fixed64 | Type::Sfixed64 => {
                varint(number << 3 | 1, bytes);
                let value = [f64::NAN, f64::INFINITY, -0.0, 1e308].choose(random);
                bytes.extend(value.copied().unwrap_or_default().to_le_bytes());
            }
            Type::Float | Type::Fixed32 | Type::Sfixed32 => {
                varint(number << 3 | 5, bytes);
                bytes.extend(random.random::<u32>().to_le_bytes());
            }
            Type::String | Type::Bytes => {
                varint(number << 3 | 2, bytes);
                let text = text(random);
                varint(text.len() as u64, bytes);
                bytes.extend(text);
            }
            Type::Message | Type::Group => {
                varint(number << 3 | 2, bytes);
                let mut inner = Vec::new();
                if 0 < depth {
                    self.append(random, field.type_name(), depth - 1, &mut inner);
                }
                varint(inner.len() as u64, bytes);
                bytes.extend(inner);
            }
            _ => {
                varint(number << 3, bytes);
                varint(self.number(random), bytes);
            }
        }
    }

    fn number(&self, random: &mut StdRng) -> u64 {
        match random.random_range(0..4) {
            0 => random.random(),
            1 => random.random_range(0..100),
            2 => NUMBERS.choose(random).copied().unwrap_or_default(),
            _ => self.known_id(random),
        }
    }
}

/// So many elements of a repeated field, each of them empty.
fn empty(field: &FieldDescriptorProto, times: usize) -> Vec<u8> {
    let mut element = Vec::new();
    varint(u64::from(field.number().unsigned_abs()) << 3 | 2, &mut element);
    element.push(0);
    element.repeat(times)
}

fn text(random: &mut StdRng) -> Vec<u8> {
    match random.random_range(0..20) {
        0 => garbage(random, 64),
        1 => b"x".repeat(random.random_range(0..100_000)),
        2 => "é".repeat(random.random_range(0..2_000)).into_bytes(),
        _ => TEXTS.choose(random).map(|it| it.to_vec()).unwrap_or_default(),
    }
}

/// So many messages, each in the other.
pub(super) fn nested(depth: usize, number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..depth {
        let mut outer = Vec::with_capacity(bytes.len() + 8);
        varint(number << 3 | 2, &mut outer);
        varint(bytes.len() as u64, &mut outer);
        outer.append(&mut bytes);
        bytes = outer;
    }
    bytes
}

pub(super) fn garbage(random: &mut StdRng, most: usize) -> Vec<u8> {
    let length = random.random_range(0..=most);
    (0..length).map(|_| random.random()).collect()
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while 0x80 <= value {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
