//! Messages and enums, each a table.

use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

use super::{Reference, index, local};
use crate::docs::comments::{Comments, step};

impl Reference<'_> {
    pub(super) fn message(
        &self,
        heading: &str,
        message: &DescriptorProto,
        comments: &Comments,
        n: usize,
    ) -> String {
        let mut text = format!("\n{heading} {}\n\n", message.name());
        let paragraphs = comments.get(&[], step::MESSAGE, n);
        if !paragraphs.is_empty() {
            text.push_str(&self.paragraphs(paragraphs));
            text.push('\n');
        }
        if message.field.is_empty() {
            return text + "No fields.\n";
        }
        let at = [step::MESSAGE, index(n)];
        for (n, oneof) in message.oneof_decl.iter().enumerate() {
            let about = comments.get(&at, step::ONEOF, n);
            if !about.is_empty() {
                text.push_str(&format!("`{}`: {}\n\n", oneof.name(), self.cell(about)));
            }
        }
        text.push_str("| field | type | |\n| --- | --- | --- |\n");
        for (n, field) in message.field.iter().enumerate() {
            let about = self.cell(comments.get(&at, step::FIELD, n));
            let kind = self.kind(field, message);
            text.push_str(&format!("| `{}` | {kind} | {about} |\n", field.name()));
        }
        text
    }

    pub(super) fn enumeration(
        &self,
        it: &EnumDescriptorProto,
        comments: &Comments,
        n: usize,
    ) -> String {
        let mut text = format!("\n### {}\n\n", it.name());
        text.push_str(&self.paragraphs(comments.get(&[], step::ENUM, n)));
        text.push_str("\n| value | number | |\n| --- | --- | --- |\n");
        let at = [step::ENUM, index(n)];
        for (n, value) in it.value.iter().enumerate() {
            let about = self.cell(comments.get(&at, step::VALUE, n));
            text.push_str(&format!("| `{}` | {} | {about} |\n", value.name(), value.number()));
        }
        text
    }

    fn kind(&self, field: &FieldDescriptorProto, message: &DescriptorProto) -> String {
        let name = match field.type_name.as_deref() {
            Some(name) => self.links.get(local(name)),
            None => scalar(field.r#type()).to_owned(),
        };
        let is_optional = field.proto3_optional();
        let oneof = field.oneof_index.filter(|_| !is_optional);
        let oneof = oneof.and_then(|n| message.oneof_decl.get(usize::try_from(n).ok()?));
        match oneof {
            _ if field.label() == Label::Repeated => format!("repeated {name}"),
            Some(oneof) => format!("{name}, one of `{}`", oneof.name()),
            None if is_optional => format!("optional {name}"),
            None => name,
        }
    }

    /// Prose in a table.
    fn cell(&self, paragraphs: &[String]) -> String {
        let linked: Vec<String> = paragraphs.iter().map(|it| self.links.in_prose(it)).collect();
        linked.join("<br>").replace('|', "\\|")
    }
}

fn scalar(kind: Type) -> &'static str {
    match kind {
        Type::Double => "double",
        Type::Float => "float",
        Type::Int64 => "int64",
        Type::Uint64 => "uint64",
        Type::Int32 => "int32",
        Type::Fixed64 => "fixed64",
        Type::Fixed32 => "fixed32",
        Type::Bool => "bool",
        Type::String => "string",
        Type::Bytes => "bytes",
        Type::Uint32 => "uint32",
        Type::Sfixed32 => "sfixed32",
        Type::Sfixed64 => "sfixed64",
        Type::Sint32 => "sint32",
        Type::Sint64 => "sint64",
        Type::Group | Type::Message | Type::Enum => "another type",
    }
}
