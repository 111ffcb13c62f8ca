//! Arrays in Postgres' binary format, of one dimension.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::source::{Source, Values};

/// Dimensions, whether there are NULLs, the elements' type, length, lower bound.
const HEAD: usize = 20;

#[derive(Clone, Debug)]
pub(super) struct Array<T> {
    pub(super) oid: u32,
    pub(super) elements: Vec<T>,
}

impl Array<Bytes> {
    /// Reads one without NULLs; `None` if it is something else.
    pub(super) fn read(mut bytes: Bytes) -> Option<Self> {
        if bytes.len() < HEAD || bytes.get_i32() != 1 || bytes.get_i32() != 0 {
            return None;
        }
        let oid = bytes.get_u32();
        let length = bytes.get_i32();
        let _lower_bound = bytes.get_i32();
        let elements = (0..length).map(|_| {
            let size = usize::try_from(bytes.try_get_i32().ok()?).ok()?;
            (size <= bytes.len()).then(|| bytes.split_to(size))
        });
        Some(Self { oid, elements: elements.collect::<Option<_>>()? }).filter(|_| bytes.is_empty())
    }
}

impl Array<Source> {
    pub(super) fn fill(&self, values: &Values<'_>) -> anyhow::Result<Bytes> {
        let mut bytes = BytesMut::new();
        bytes.put_i32(1);
        bytes.put_i32(0);
        bytes.put_u32(self.oid);
        bytes.put_i32(self.elements.len() as i32);
        bytes.put_i32(1);
        for element in &self.elements {
            let element = element.value(values)?;
            let element = element.ok_or_else(|| anyhow::anyhow!("an element is NULL"))?;
            bytes.put_i32(element.len() as i32);
            bytes.put(element);
        }
        Ok(bytes.freeze())
    }
}
