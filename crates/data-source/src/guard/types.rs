//! The types that a query may name. Types such as `regclass` look names up in the
//! server's catalog and are left out.

use sqlparser::ast::{ArrayElemTypeDef, DataType};

use super::catalog::Catalog;
use super::names;
use super::refusal::Refusal;

/// What the parser has no variant of its own for.
const CUSTOM: &str = "
    box bpchar cidr circle citext cube datemultirange daterange geography geometry halfvec hstore
    inet int4multirange int4range int8multirange int8range jsonpath line lseg ltree macaddr macaddr8
    money nummultirange numrange path point polygon sparsevec timetz tsmultirange tsrange
    tstzmultirange tstzrange vector";

/// Accepts the types of the list, and those that the tables' columns have.
pub(super) fn check(data_type: &DataType, catalog: &Catalog<'_>) -> Result<(), Refusal> {
    use DataType as T;
    let is_allowed = match data_type {
        T::Array(
            ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::Qualified(element, _),
        ) => return check(element, catalog),
        T::Custom(name, modifiers) => {
            let name = names::parts(name).unwrap_or_default().join(".");
            let modifiers_are_words = modifiers.iter().all(|it| is_word(it));
            modifiers_are_words && !reveals_names(&name) && is_known(&name, catalog)
        }
        _ => is_plain(data_type),
    };
    let refused = || Refusal::construct(format_args!("the type {data_type}"));
    if is_allowed { Ok(()) } else { Err(refused()) }
}

fn is_plain(data_type: &DataType) -> bool {
    use DataType as T;
    matches!(
        data_type,
        T::Character(_)
            | T::Char(_)
            | T::CharacterVarying(_)
            | T::CharVarying(_)
            | T::Varchar(_)
            | T::Text
            | T::Uuid
            | T::Bytea
            | T::Numeric(_)
            | T::Decimal(_)
            | T::Dec(_)
            | T::SmallInt(None)
            | T::Int(None)
            | T::Integer(None)
            | T::BigInt(None)
            | T::Int2(None)
            | T::Int4(None)
            | T::Int8(None)
            | T::Real
            | T::Float(_)
            | T::Float4
            | T::Float8
            | T::DoublePrecision
            | T::Bool
            | T::Boolean
            | T::Date
            | T::Time(..)
            | T::Timestamp(..)
            | T::Interval { .. }
            | T::JSON
            | T::JSONB
            | T::Bit(_)
            | T::BitVarying(_)
            | T::VarBit(_)
            | T::GeometricType(_)
            | T::TsVector
            | T::TsQuery
    )
}

fn is_known(name: &str, catalog: &Catalog<'_>) -> bool {
    let name = name.strip_prefix("pg_catalog.").unwrap_or(name);
    CUSTOM.split_whitespace().any(|it| it == name) || catalog.has_type(name)
}

fn reveals_names(name: &str) -> bool {
    let name = name.rsplit_once('.').map_or(name, |(_, last)| last);
    name.starts_with("reg") || name.starts_with("pg_") || name == "xml"
}

fn is_word(modifier: &str) -> bool {
    modifier.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}
