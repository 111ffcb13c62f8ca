//! The columns of hand-written statements, by name.

use sea_orm::{EntityTrait, Iden as _, Iterable as _};

/// Lists an entity's columns, each qualified with `table`.
///
/// Never `*`: a column that a newer release adds would change the statement's
/// result, which fails where it is prepared already.
pub(crate) fn columns<E: EntityTrait>(table: &str) -> String {
    let names = E::Column::iter().map(|column| format!("{table}.{}", column.unquoted()));
    names.collect::<Vec<_>>().join(", ")
}
