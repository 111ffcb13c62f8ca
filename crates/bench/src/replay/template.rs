//! Texts with numbers in them, such as the name of a schema.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{
    inputs::Input,
    source::{Origin, Values},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Template(pub(super) Vec<Piece>);

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Literal(Bytes),
    /// As it was recorded, though it differs from call to call: a duration, for example.
    Measured(Bytes),
    Number(Origin),
    /// An input that is a text.
    Input(usize),
}

impl Template {
    /// What it is whatever the values are.
    pub(super) fn constant(&self) -> Option<&Bytes> {
        match &self.0[..] {
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    pub(super) fn fill(&self, values: &Values<'_>) -> anyhow::Result<Bytes> {
        if let Some(text) = self.constant() {
            return Ok(text.clone());
        }
        let mut text = BytesMut::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(recorded) | Piece::Measured(recorded) => text.put_slice(recorded),
                Piece::Number(origin) => {
                    text.put_slice(values.number(*origin)?.to_string().as_bytes());
                }
                Piece::Input(index) => match values.inputs.get(*index) {
                    Input::Text(input) => text.put_slice(input.as_bytes()),
                    Input::Number(number) => text.put_slice(number.to_string().as_bytes()),
                },
            }
        }
        Ok(text.freeze())
    }

    /// As text; what is put in are digits and the caller's own words.
    pub(super) fn fill_text(&self, values: &Values<'_>) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&self.fill(values)?).into_owned())
    }
}

/// A text's runs of digits, and what is between them.
pub(super) fn split(text: &[u8]) -> Vec<&[u8]> {
    text.chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit()).collect()
}

/// With `#` for each run of digits: what texts of one template have in common.
pub(super) fn form(text: &str) -> String {
    let pieces = split(text.as_bytes()).into_iter().map(|piece| match piece {
        [digit, ..] if digit.is_ascii_digit() => "#".into(),
        other => String::from_utf8_lossy(other),
    });
    pieces.collect()
}
