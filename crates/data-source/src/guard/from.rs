//! What stands in FROM, and what of it is visible where.

mod function;
mod json_table;
mod table;

use std::rc::Rc;

use sqlparser::ast::{Join, JoinConstraint, JoinOperator, TableAlias, TableFactor, TableWithJoins};

use super::refusal::{Refusal, refuse_if};
use super::scope::{Columns, Relation, Scope, append};
use super::{Walk, names, types};

impl Walk<'_> {
    pub(super) fn from(
        &self,
        items: &mut [TableWithJoins],
        outer: &Scope<'_>,
    ) -> Result<Vec<Relation>, Refusal> {
        let mut relations = Vec::new();
        for item in items {
            let joined = self.joined(item, &relations, outer)?;
            relations.extend(joined);
        }
        Ok(relations)
    }

    /// Walks a table and what is joined to it. `left` is what stands before it in
    /// FROM, which only LATERAL sees; a join's condition sees only what it joins.
    fn joined(
        &self,
        item: &mut TableWithJoins,
        left: &[Relation],
        outer: &Scope<'_>,
    ) -> Result<Vec<Relation>, Refusal> {
        let TableWithJoins { relation, joins } = item;
        let mut relations = self.factor(relation, left, outer)?;
        for Join { relation, global, join_operator } in joins {
            refuse_if(*global, "GLOBAL JOIN")?;
            let left: Vec<_> = left.iter().chain(&relations).cloned().collect();
            relations.extend(self.factor(relation, &left, outer)?);
            match constraint(join_operator)? {
                JoinConstraint::On(condition) => {
                    self.expr(condition, &outer.nested(relations.clone()))?;
                }
                JoinConstraint::Using(columns) => {
                    let is_dotted = columns.iter().any(|it| it.0.len() != 1);
                    refuse_if(is_dotted, "USING with a dotted name")?;
                }
                JoinConstraint::Natural | JoinConstraint::None => {}
            }
        }
        Ok(relations)
    }

    fn factor(
        &self,
        factor: &mut TableFactor,
        left: &[Relation],
        outer: &Scope<'_>,
    ) -> Result<Vec<Relation>, Refusal> {
        let lateral_scope = || outer.nested(left.to_vec());
        let relation = match factor {
            TableFactor::Table { args: None, .. } => self.table_factor(factor, outer)?,
            TableFactor::Table { args: Some(_), .. }
            | TableFactor::Function { .. }
            | TableFactor::UNNEST { .. } => self.function_factor(factor, &lateral_scope())?,
            TableFactor::JsonTable { json_expr, json_path, columns, alias } => {
                self.expr(json_expr, &lateral_scope())?;
                let columns = self.json_table(&json_path.value, columns)?;
                self.perhaps_aliased(columns, alias.as_ref())?
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                refuse_if(sample.is_some(), "TABLESAMPLE behind a subquery")?;
                let output = if *lateral {
                    self.query(subquery, &lateral_scope())?
                } else {
                    self.query(subquery, outer)?
                };
                self.perhaps_aliased(output.columns, alias.as_ref())?
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let relations = self.joined(table_with_joins, left, outer)?;
                let Some(alias) = alias else { return Ok(relations) };
                self.aliased(&all_columns(&relations)?, alias)?
            }
            TableFactor::TableFunction { .. }
            | TableFactor::OpenJsonTable { .. }
            | TableFactor::Pivot { .. }
            | TableFactor::Unpivot { .. }
            | TableFactor::UnpivotExpr { .. }
            | TableFactor::MatchRecognize { .. }
            | TableFactor::XmlTable { .. }
            | TableFactor::SemanticView { .. } => {
                return Err(Refusal::construct(format_args!("in FROM: {factor}")));
            }
        };
        Ok(vec![relation])
    }

    fn perhaps_aliased(
        &self,
        columns: Columns,
        alias: Option<&TableAlias>,
    ) -> Result<Relation, Refusal> {
        match alias {
            Some(alias) => self.aliased(&columns, alias),
            None => Ok(Relation { schema: None, name: None, columns }),
        }
    }

    fn aliased(&self, columns: &Columns, alias: &TableAlias) -> Result<Relation, Refusal> {
        let columns = self.renamed(columns, alias)?;
        Ok(Relation::named(names::folded(&alias.name), columns))
    }

    /// The columns under the names that an alias gives them.
    pub(super) fn renamed(
        &self,
        columns: &Columns,
        alias: &TableAlias,
    ) -> Result<Columns, Refusal> {
        let TableAlias { explicit: _, name: _, columns: new_names, at } = alias;
        refuse_if(at.is_some(), "AT behind an alias")?;
        for column in new_names {
            if let Some(data_type) = &column.data_type {
                types::check(data_type, &self.catalog)?;
            }
        }
        if new_names.is_empty() {
            return Ok(columns.clone());
        }
        let new_names = new_names.iter().map(|it| Rc::from(names::folded(&it.name)));
        let kept = columns.iter().skip(new_names.len()).cloned();
        Ok(new_names.chain(kept).collect())
    }
}

fn all_columns(relations: &[Relation]) -> Result<Columns, Refusal> {
    let mut columns = Vec::new();
    for relation in relations {
        append(&mut columns, &relation.columns)?;
    }
    Ok(columns.into())
}

fn constraint(operator: &mut JoinOperator) -> Result<&mut JoinConstraint, Refusal> {
    match operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint) => Ok(constraint),
        JoinOperator::Semi(_)
        | JoinOperator::LeftSemi(_)
        | JoinOperator::RightSemi(_)
        | JoinOperator::Anti(_)
        | JoinOperator::LeftAnti(_)
        | JoinOperator::RightAnti(_)
        | JoinOperator::CrossApply
        | JoinOperator::OuterApply
        | JoinOperator::AsOf { .. }
        | JoinOperator::StraightJoin(_)
        | JoinOperator::ArrayJoin
        | JoinOperator::LeftArrayJoin
        | JoinOperator::InnerArrayJoin => Err(Refusal::construct("a join that Postgres lacks")),
    }
}
