//! Rows whose columns are read one after the other, as statements list them with
//! [`columns`](crate::columns::columns): to look each up by its name takes longer than all the
//! rest of reading it.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, TryGetable};

/// The columns of a row that were not read yet.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(row: &'a QueryResult) -> Self {
        Self { row, next: 0 }
    }

    pub(crate) fn next<T: TryGetable>(&mut self) -> Result<T, DbErr> {
        let value = self.row.try_get_by_index(self.next)?;
        self.next += 1;
        Ok(value)
    }

    /// What may be absent, at the end of a row: a column that says whether it is there comes
    /// before its own.
    pub(crate) fn optional<R: Ordered>(&mut self) -> Result<Option<R>, DbErr> {
        let is_there: bool = self.next()?;
        is_there.then(|| R::read(self)).transpose()
    }
}

/// What can be read from columns in the order in which they are listed.
pub(crate) trait Ordered: Sized {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr>;
}

pub(crate) async fn all<R: Ordered>(
    db: &impl ConnectionTrait,
    statement: Statement,
) -> Result<Vec<R>, DbErr> {
    let rows = db.query_all_raw(statement).await?;
    rows.iter().map(|row| R::read(&mut Columns::of(row))).collect()
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
