//! Rows whose columns are read one after the other, as statements list them with
//! [`columns`](crate::columns::columns): to look each up by its name, and at its type in each row,
//! takes longer than all the rest of reading it.

use sea_orm::{
    ConnectionTrait, DbErr, QueryResult, RuntimeErr, Statement,
    prelude::{DateTimeUtc, Json},
};
use sqlx::{
    Column as _, Row as _, ValueRef as _,
    error::BoxDynError,
    postgres::{PgRow, PgTypeInfo, PgValueRef},
};

/// The columns of a row that were not read yet.
pub(crate) struct Columns<'a> {
    row: &'a PgRow,
    next: usize,
    /// Whether their types are known to be right.
    are_known: bool,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(row: &'a QueryResult) -> Self {
        let row = row.try_as_pg_row().expect("all our connections are to Postgres");
        Self { row, next: 0, are_known: false }
    }

    pub(crate) fn skip(&mut self, columns: usize) {
        self.next += columns;
    }

    pub(crate) fn next<T: Field>(&mut self) -> Result<T, DbErr> {
        let index = self.next;
        self.next += 1;
        let value = self.row.try_get_raw(index).map_err(failed)?;
        let read = match self.are_known || T::is_held_by(&value.type_info()) {
            true => T::read(value),
            false => Err(format!("{} is none of its types", value.type_info()).into()),
        };
        let index = || self.row.column(index).name().to_owned();
        read.map_err(|source| failed(sqlx::Error::ColumnDecode { index: index(), source }))
    }

    /// What may be absent, at the end of a row: a column that says whether it is there comes
    /// before its own.
    pub(crate) fn optional<R: Ordered>(&mut self) -> Result<Option<R>, DbErr> {
        let is_there: bool = self.next()?;
        is_there.then(|| R::read(self)).transpose()
    }
}

fn failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

/// What a column can hold.
pub(crate) trait Field: Sized {
    fn is_held_by(column: &PgTypeInfo) -> bool;

    fn read(value: PgValueRef<'_>) -> Result<Self, BoxDynError>;
}

impl<T: Field> Field for Option<T> {
    fn is_held_by(column: &PgTypeInfo) -> bool {
        T::is_held_by(column)
    }

    fn read(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.is_null() { Ok(None) } else { T::read(value).map(Some) }
    }
}

/// Makes a type a [`Field`]: one that the driver knows, or what a function makes of one.
macro_rules! field {
    ($field:ty) => {
        $crate::rows::field!($field, $field, Ok);
    };
    ($field:ty, $known:ty, $from:expr) => {
        impl $crate::rows::Field for $field {
            fn is_held_by(column: &sqlx::postgres::PgTypeInfo) -> bool {
                <$known as sqlx::Type<sqlx::Postgres>>::compatible(column)
            }

            fn read(
                value: sqlx::postgres::PgValueRef<'_>,
            ) -> Result<Self, sqlx::error::BoxDynError> {
                let known = <$known as sqlx::Decode<sqlx::Postgres>>::decode(value)?;
                $from(known)
            }
        }
    };
}

/// Makes enums that are kept as texts [`Field`]s.
macro_rules! texts {
    ($($field:ty)*) => {$(
        $crate::rows::field!($field, String, |text| {
            <$field as sea_orm::ActiveEnum>::try_from_value(&text).map_err(Into::into)
        });
    )*};
}

pub(crate) use {field, texts};

field!(bool);
field!(i32);
field!(i64);
field!(f64);
field!(String);
field!(Vec<String>);
field!(Vec<u8>);
field!(DateTimeUtc);
field!(Json);

/// What can be read from columns in the order in which they are listed.
pub(crate) trait Ordered: Sized {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr>;
}

pub(crate) async fn all<R: Ordered>(
    db: &impl ConnectionTrait,
    statement: Statement,
) -> Result<Vec<R>, DbErr> {
    let rows = db.query_all_raw(statement).await?;
    read(&rows, |columns| R::read(columns).map(Some))
}

/// Reads what there is in each row of a statement. The types are looked at in the first: they are
/// the statement's.
pub(crate) fn read<T>(
    rows: &[QueryResult],
    of_row: impl Fn(&mut Columns<'_>) -> Result<Option<T>, DbErr>,
) -> Result<Vec<T>, DbErr> {
    let mut read = Vec::with_capacity(rows.len());
    for (number, row) in rows.iter().enumerate() {
        let mut columns = Columns { are_known: number != 0, ..Columns::of(row) };
        read.extend(of_row(&mut columns)?);
    }
    Ok(read)
}

pub(crate) async fn one<R: Ordered>(
    db: &impl ConnectionTrait,
    statement: Statement,
) -> Result<Option<R>, DbErr> {
    let row = db.query_one_raw(statement).await?;
    row.map(|row| R::read(&mut Columns::of(&row))).transpose()
}

/// Reads an entity's model: all of its fields, in the order of the entity.
macro_rules! ordered {
    ($($field:ident)*) => {
        impl $crate::rows::Ordered for Model {
            fn read(columns: &mut $crate::rows::Columns<'_>) -> Result<Self, sea_orm::DbErr> {
                Ok(Self { $($field: columns.next()?),* })
            }
        }

        #[cfg(test)]
        mod tests {
            use sea_orm::{Iden as _, Iterable as _};

            #[test]
            fn a_row_is_read_in_the_order_in_which_its_columns_are_listed() {
                let mut columns = super::Column::iter();
                $(assert_eq!(columns.next().expect("a column").unquoted(), stringify!($field));)*
            }
        }
    };
}

pub(crate) use ordered;
