use std::io;

use bytes::{Buf as _, Bytes};

use crate::Value;

/// The fields of a message, read one after the other.
pub(crate) struct Fields(pub(crate) Bytes);

impl Fields {
    pub(crate) fn byte(&mut self) -> io::Result<u8> {
        self.0.try_get_u8().map_err(too_short)
    }

    pub(crate) fn short(&mut self) -> io::Result<i16> {
        self.0.try_get_i16().map_err(too_short)
    }

    pub(crate) fn int(&mut self) -> io::Result<i32> {
        self.0.try_get_i32().map_err(too_short)
    }

    pub(crate) fn oid(&mut self) -> io::Result<u32> {
        self.0.try_get_u32().map_err(too_short)
    }

    /// A text that ends in a zero. Statements need not be UTF-8 for the server.
    pub(crate) fn text(&mut self) -> io::Result<String> {
        let end = self.0.iter().position(|byte| *byte == 0);
        let text = self.0.split_to(end.ok_or_else(|| invalid("a text has no end"))?);
        self.0.advance(1);
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// A list that is preceded by its length.
    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> io::Result<T>,
    ) -> io::Result<Vec<T>> {
        let length = self.short()?;
        // An unsigned number, whatever the documentation says: there are 65,535 parameters.
        (0..length.cast_unsigned()).map(|_| read(self)).collect()
    }

    /// Values, in formats that may be given once for all or left out.
    pub(crate) fn values(&mut self, formats: &[bool]) -> io::Result<Vec<Value>> {
        let mut index = 0;
        self.list(|fields| {
            let binary = match formats {
                [] => false,
                [one] => *one,
                each => each.get(index).copied().unwrap_or_default(),
            };
            index += 1;
            Ok(Value { bytes: fields.value()?, binary })
        })
    }

    pub(crate) fn formats(&mut self) -> io::Result<Vec<bool>> {
        self.list(|fields| Ok(fields.short()? == 1))
    }

    fn value(&mut self) -> io::Result<Option<Bytes>> {
        let Ok(length) = usize::try_from(self.int()?) else { return Ok(None) };
        if self.0.len() < length {
            return Err(invalid("a value is longer than its message"));
        }
        Ok(Some(self.0.split_to(length)))
    }
}

fn too_short(_: bytes::TryGetError) -> io::Error {
    invalid("a message is too short")
}

pub(crate) fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
