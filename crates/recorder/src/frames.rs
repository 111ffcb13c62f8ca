use std::io;

use bytes::{Buf as _, BytesMut};

use crate::fields::{Fields, invalid};

const TAG: usize = 1;
const LENGTH: usize = 4;

/// Messages, put together from the pieces in which they come.
#[derive(Default)]
pub(crate) struct Frames(BytesMut);

/// One message after the start-up.
pub(crate) struct Frame {
    pub(crate) tag: u8,
    pub(crate) fields: Fields,
    /// All of its bytes.
    pub(crate) length: usize,
}

impl Frames {
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.0.extend_from_slice(piece);
    }

    /// The next message, once all of it has come.
    pub(crate) fn next(&mut self) -> io::Result<Option<Frame>> {
        let Some((tag, length)) = self.head()? else { return Ok(None) };
        if self.0.len() < length {
            return Ok(None);
        }
        let mut frame = self.0.split_to(length);
        frame.advance(TAG + LENGTH);
        Ok(Some(Frame { tag, fields: Fields(frame.freeze()), length }))
    }

    fn head(&self) -> io::Result<Option<(u8, usize)>> {
        let [tag, a, b, c, d, ..] = self.0[..] else { return Ok(None) };
        match usize::try_from(i32::from_be_bytes([a, b, c, d])) {
            Ok(length) if LENGTH <= length => Ok(Some((tag, TAG + length))),
            _ => Err(invalid("a message's length makes no sense")),
        }
    }
}
