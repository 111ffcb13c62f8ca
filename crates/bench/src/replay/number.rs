//! Whole numbers, as Postgres writes them.

use bytes::Bytes;
use tokio_postgres::types::Type;

/// What a value says, if it is a whole number, in whichever form.
pub(super) fn read(bytes: &[u8], oid: u32, binary: bool) -> Option<i64> {
    match Type::from_oid(oid) {
        Some(Type::INT8) if binary => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
        Some(Type::INT4) if binary => Some(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        Some(Type::INT2) if binary => Some(i16::from_be_bytes(bytes.try_into().ok()?).into()),
        Some(Type::TEXT | Type::VARCHAR) => digits(bytes),
        _ if !binary => digits(bytes),
        _ => None,
    }
}

/// Only what is written as Postgres would write it.
pub(super) fn digits(bytes: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

/// In the form of the type; numbers that a value can't hold are cut.
pub(super) fn write(number: i64, oid: u32, binary: bool) -> Bytes {
    match Type::from_oid(oid) {
        Some(Type::INT8) if binary => Bytes::copy_from_slice(&number.to_be_bytes()),
        Some(Type::INT4) if binary => Bytes::copy_from_slice(&(number as i32).to_be_bytes()),
        Some(Type::INT2) if binary => Bytes::copy_from_slice(&(number as i16).to_be_bytes()),
        _ => Bytes::from(number.to_string()),
    }
}
