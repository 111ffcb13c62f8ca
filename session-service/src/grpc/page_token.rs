//! Tokens that say where a page starts. They carry a place, never a permission:
//! whose rows are listed is said by the caller's credentials alone.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::DateTime;
use proto::v1 as pb;
use storage::{SessionId, sessions::Position};

use super::{fields::Fields, time::SECONDS};

/// Changes with the layout, so that tokens of another release are refused.
const VERSION: u8 = 1;

/// A place in a list, and the filters of the list that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token {
    filters: u64,
    key: i64,
    id: i64,
}

/// Puts a list's filters in a nutshell, the same in every process and build: the
/// 64-bit FNV-1a hash of how they print.
pub(super) fn fingerprint(filters: impl fmt::Debug) -> u64 {
    let printed = format!("{filters:?}");
    printed.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

pub(super) fn of_id(filters: u64, id: i64) -> String {
    encode(Token { filters, key: 0, id })
}

pub(super) fn of_position(filters: u64, position: Position) -> String {
    let key = position.last_activity.timestamp_micros();
    encode(Token { filters, key, id: position.id.0 })
}

/// What a list that pages by token alone says of a page.
pub(super) fn to_pagination(
    per_page: u32,
    has_prev: bool,
    next_page_token: Option<String>,
) -> pb::Pagination {
    pb::Pagination {
        per_page: per_page.cast_signed(),
        has_next: next_page_token.is_some(),
        has_prev,
        next_page_token: next_page_token.unwrap_or_default(),
        ..Default::default()
    }
}

impl Fields {
    /// The id that a list goes on after; `None` at its beginning.
    pub(super) fn id_token(&mut self, token: &str, filters: u64) -> Option<i64> {
        self.token(token, filters).map(|token| token.id)
    }

    /// The session that a list goes on after; `None` at its beginning.
    pub(super) fn position_token(&mut self, token: &str, filters: u64) -> Option<Position> {
        let token = self.token(token, filters)?;
        let last_activity = DateTime::from_timestamp_micros(token.key)
            .filter(|time| SECONDS.contains(&time.timestamp()));
        if last_activity.is_none() {
            self.refuse("page_token", "is not one of ours");
        }
        last_activity.map(|last_activity| Position { last_activity, id: SessionId(token.id) })
    }

    fn token(&mut self, token: &str, filters: u64) -> Option<Token> {
        if token.is_empty() {
            return None;
        }
        let decoded = decode(token);
        match decoded {
            None => self.refuse("page_token", "is not one of ours"),
            Some(token) if token.filters != filters => {
                self.refuse("page_token", "is of a list with other filters");
            }
            Some(_) => (),
        }
        decoded
    }
}

fn encode(token: Token) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(token.filters.to_be_bytes());
    bytes.extend(token.key.to_be_bytes());
    bytes.extend(token.id.to_be_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(token: &str) -> Option<Token> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let (&[version], rest) = bytes.split_first_chunk()?;
    let (filters, rest) = rest.split_first_chunk()?;
    let (key, rest) = rest.split_first_chunk()?;
    let id = rest.try_into().ok()?;
    (version == VERSION).then_some(Token {
        filters: u64::from_be_bytes(*filters),
        key: i64::from_be_bytes(*key),
        id: i64::from_be_bytes(id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_place() {
        let position = Position {
            last_activity: DateTime::from_timestamp_micros(1_763_800_000_123_456).unwrap(),
            id: SessionId(42),
        };
        let mut fields = Fields::default();

        assert_eq!(fields.position_token(&of_position(7, position), 7), Some(position));
        assert_eq!(fields.id_token(&of_id(7, 42), 7), Some(42));
        assert_eq!(fields.id_token("", 7), None);
        fields.check().unwrap();
    }

    #[test]
    fn garbage_and_tokens_of_other_lists_are_refused() {
        let long = "A".repeat(10_000);
        for token in ["x", "AAAA", "!", &of_id(8, 42), &of_id(7, 42)[1..], &long] {
            let mut fields = Fields::default();
            fields.id_token(token, 7);
            assert!(fields.check().is_err(), "{token}");
        }
    }
}
