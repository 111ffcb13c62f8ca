//! `JSON_TABLE`.

use std::rc::Rc;

use sqlparser::ast::{
    JsonTableColumn, JsonTableColumnErrorHandling, JsonTableNamedColumn, JsonTableNestedColumn,
    Value,
};

use super::super::refusal::Refusal;
use super::super::scope::Columns;
use super::super::{Walk, literal, names, types};

impl Walk<'_> {
    /// The columns that a `JSON_TABLE` makes of what lies at its path.
    pub(super) fn json_table(
        &self,
        path: &Value,
        columns: &[JsonTableColumn],
    ) -> Result<Columns, Refusal> {
        literal::check(path)?;
        let mut names = Vec::new();
        self.json_columns(columns, &mut names)?;
        Ok(names.into())
    }

    fn json_columns(
        &self,
        columns: &[JsonTableColumn],
        names: &mut Vec<Rc<str>>,
    ) -> Result<(), Refusal> {
        for column in columns {
            match column {
                JsonTableColumn::ForOrdinality(name) => names.push(names::folded(name).into()),
                JsonTableColumn::Nested(JsonTableNestedColumn { path, columns }) => {
                    literal::check(&path.value)?;
                    self.json_columns(columns, names)?;
                }
                JsonTableColumn::Named(column) => {
                    names.push(names::folded(&column.name).into());
                    self.json_column(column)?;
                }
            }
        }
        Ok(())
    }

    fn json_column(&self, column: &JsonTableNamedColumn) -> Result<(), Refusal> {
        let JsonTableNamedColumn { name: _, r#type, path, exists: _, on_empty, on_error } = column;
        types::check(r#type, &self.catalog)?;
        literal::check(&path.value)?;
        for handling in [on_empty, on_error].into_iter().flatten() {
            match handling {
                JsonTableColumnErrorHandling::Null | JsonTableColumnErrorHandling::Error => {}
                JsonTableColumnErrorHandling::Default(value) => literal::check(&value.value)?,
            }
        }
        Ok(())
    }
}
