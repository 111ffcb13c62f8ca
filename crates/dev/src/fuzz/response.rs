//! Messages that the service sends: whether they are what its protos say.

use prost_types::field_descriptor_proto::{Label, Type};

use super::api::Api;

/// How deep messages may lie in each other; that of prost.
const DEPTH: usize = 100;

impl Api {
    /// Checks that `bytes` are a message of this type, and nothing else; learns the ids in it.
    pub(super) fn check_message(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.check_fields(name, bytes, DEPTH).ok_or_else(|| format!("it is no {name}"))
    }

    fn check_fields(&self, name: &str, mut bytes: &[u8], depth: usize) -> Option<()> {
        let message = self.message_type(name)?;
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let number = i32::try_from(key >> 3).ok()?;
            let field = message.field.iter().find(|it| it.number() == number)?;
            let (kind, usual) = (key & 7, wire_type(field.r#type()));
            let is_packed = kind == 2 && field.label() == Label::Repeated;
            if kind != usual && !is_packed {
                return None;
            }
            match kind {
                0 => {
                    let value = varint(&mut bytes)?;
                    if field.name() == "id" {
                        self.learn(value);
                    }
                }
                1 => _ = bytes.split_off(..8)?,
                5 => _ = bytes.split_off(..4)?,
                _ => {
                    let length = usize::try_from(varint(&mut bytes)?).ok()?;
                    let value = bytes.split_off(..length)?;
                    match field.r#type() {
                        Type::Message => {
                            self.check_fields(field.type_name(), value, depth.checked_sub(1)?)?;
                        }
                        Type::String => _ = str::from_utf8(value).ok()?,
                        _ => (),
                    }
                }
            }
        }
        Some(())
    }
}

fn wire_type(kind: Type) -> u64 {
    match kind {
        Type::Double | Type::Fixed64 | Type::Sfixed64 => 1,
        Type::Float | Type::Fixed32 | Type::Sfixed32 => 5,
        Type::String | Type::Bytes | Type::Message => 2,
        Type::Group => 3,
        _ => 0,
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use proto::v1 as pb;

    use super::*;

    #[test]
    fn a_message_is_told_from_another_and_its_ids_are_learnt() {
        let api = Api::load().unwrap();
        let session = pb::Session { id: 4711, title: "a title".to_owned(), ..Default::default() };
        let page = pb::ListSessionsResponse { sessions: vec![session], pagination: None };
        let bytes = page.encode_to_vec();

        api.check_message(".tertulia.v1.ListSessionsResponse", &bytes).unwrap();
        assert_eq!(api.known_id(&mut rand::SeedableRng::seed_from_u64(1)), 4711);

        let other = ".tertulia.v1.GetRunResultResponse";
        api.check_message(other, &bytes).unwrap_err();
        let cut = &bytes[..bytes.len() - 1];
        api.check_message(".tertulia.v1.ListSessionsResponse", cut).unwrap_err();
    }
}
