//! Literals.

use sqlparser::ast::Value;

use super::refusal::{Refusal, refuse_if};

/// Accepts the literals that are printed the way Postgres reads them.
pub(super) fn check(value: &Value) -> Result<(), Refusal> {
    match value {
        Value::SingleQuotedString(text) => {
            refuse_if(text.contains('\0'), "a NUL character in a literal")
        }
        Value::Boolean(_) | Value::Null => Ok(()),
        Value::Number(_, is_long) => refuse_if(*is_long, "a number with L"),
        Value::Placeholder(name) => Err(Refusal::construct(format_args!("the placeholder {name}"))),
        Value::SingleQuotedByteStringLiteral(bits) if is_bits(bits) => Ok(()),
        Value::SingleQuotedByteStringLiteral(_)
        | Value::DollarQuotedString(_)
        | Value::TripleSingleQuotedString(_)
        | Value::TripleDoubleQuotedString(_)
        | Value::EscapedStringLiteral(_)
        | Value::UnicodeStringLiteral(_)
        | Value::DoubleQuotedByteStringLiteral(_)
        | Value::TripleSingleQuotedByteStringLiteral(_)
        | Value::TripleDoubleQuotedByteStringLiteral(_)
        | Value::SingleQuotedRawStringLiteral(_)
        | Value::DoubleQuotedRawStringLiteral(_)
        | Value::TripleSingleQuotedRawStringLiteral(_)
        | Value::TripleDoubleQuotedRawStringLiteral(_)
        | Value::NationalStringLiteral(_)
        | Value::QuoteDelimitedStringLiteral(_)
        | Value::NationalQuoteDelimitedStringLiteral(_)
        | Value::HexStringLiteral(_)
        | Value::DoubleQuotedString(_) => {
            Err(Refusal::construct(format_args!("this form of a literal: {value}")))
        }
    }
}

fn is_bits(text: &str) -> bool {
    text.bytes().all(|it| matches!(it, b'0' | b'1'))
}
