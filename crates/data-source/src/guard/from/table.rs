//! Tables by their names.

use std::rc::Rc;

use sqlparser::ast::{
    ObjectName, ObjectNamePart, TableAlias, TableFactor, TableSample, TableSampleKind,
    TableSampleMethod, TableSampleModifier, TableSampleQuantity, TableSampleSeed,
};

use super::super::refusal::{Refusal, refuse_if};
use super::super::scope::{Columns, Relation, Scope};
use super::super::{Walk, literal, names};

impl Walk<'_> {
    pub(super) fn table_factor(
        &self,
        factor: &mut TableFactor,
        outer: &Scope<'_>,
    ) -> Result<Relation, Refusal> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } = factor
        else {
            return Err(Refusal::construct(format_args!("in FROM: {factor}")));
        };
        refuse_if(!with_hints.is_empty() || !index_hints.is_empty(), "a table hint")?;
        refuse_if(version.is_some(), "a table version")?;
        refuse_if(!partitions.is_empty(), "PARTITION")?;
        refuse_if(json_path.is_some(), "a path behind a table")?;
        refuse_if(*with_ordinality, "WITH ORDINALITY behind a table")?;
        self.sample(sample.as_mut(), outer)?;
        self.table(name, alias.as_ref(), outer)
    }

    /// A CTE, or else a table that may be read, whose name is completed with its
    /// schema: another of that name may stand before it on the search path.
    fn table(
        &self,
        name: &mut ObjectName,
        alias: Option<&TableAlias>,
        scope: &Scope<'_>,
    ) -> Result<Relation, Refusal> {
        if let [ObjectNamePart::Identifier(ident)] = name.0.as_slice()
            && !names::is_session_word(ident)
            && !names::is_reserved(ident)
            && let Some(columns) = scope.find_cte(&names::folded(ident))
        {
            return match alias {
                Some(alias) => self.aliased(&columns, alias),
                None => Ok(Relation::named(names::folded(ident), columns)),
            };
        }

        let table = self.catalog.get(name)?;
        if name.0.len() == 1 {
            name.0.insert(0, ObjectNamePart::Identifier(names::plain(&table.schema)));
        }
        let columns: Columns = table.columns.iter().map(|it| Rc::from(it.name.as_str())).collect();
        match alias {
            Some(alias) => self.aliased(&columns, alias),
            None => Ok(Relation {
                schema: Some(table.schema.clone()),
                ..Relation::named(table.name.clone(), columns)
            }),
        }
    }

    fn sample(
        &self,
        sample: Option<&mut TableSampleKind>,
        scope: &Scope<'_>,
    ) -> Result<(), Refusal> {
        let Some(
            TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample),
        ) = sample
        else {
            return Ok(());
        };
        let TableSample { modifier, name, quantity, seed, bucket, offset } = &mut **sample;
        let is_ours = *modifier == TableSampleModifier::TableSample
            && matches!(name, Some(TableSampleMethod::Bernoulli | TableSampleMethod::System))
            && bucket.is_none()
            && offset.is_none();
        refuse_if(!is_ours, "a sample other than TABLESAMPLE BERNOULLI or SYSTEM")?;
        if let Some(TableSampleQuantity { parenthesized: _, value, unit }) = quantity {
            refuse_if(unit.is_some(), "a unit in TABLESAMPLE")?;
            self.expr(value, scope)?;
        }
        match seed {
            Some(TableSampleSeed { modifier: _, value }) => literal::check(&value.value),
            None => Ok(()),
        }
    }
}
