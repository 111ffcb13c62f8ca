//! What stands in FROM, and what of it is visible where.

use std::rc::Rc;

use sqlparser::ast::{
    self, Join, JoinConstraint, JoinOperator, JsonTableColumn, JsonTableColumnErrorHandling,
    ObjectName, ObjectNamePart, TableAlias, TableFactor, TableSample, TableSampleKind,
    TableSampleMethod, TableSampleModifier, TableWithJoins,
};

use super::refusal::{Refusal, refuse_if};
use super::scope::{Columns, Relation, Scope, append};
use super::{Walk, expr, names, types};

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
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                refuse_if(!with_hints.is_empty() || !index_hints.is_empty(), "a table hint")?;
                refuse_if(version.is_some(), "a table version")?;
                refuse_if(!partitions.is_empty(), "PARTITION")?;
                refuse_if(json_path.is_some(), "a path behind a table")?;
                self.sample(sample.as_mut(), outer)?;
                if let Some(ast::TableFunctionArgs { args, settings }) = args {
                    refuse_if(settings.is_some(), "SETTINGS")?;
                    let function = self.call(name, args, &lateral_scope())?;
                    self.function_result(&function, *with_ordinality, alias.as_ref())?
                } else {
                    refuse_if(*with_ordinality, "WITH ORDINALITY behind a table")?;
                    self.table(name, alias.as_ref(), outer)?
                }
            }
            TableFactor::Function { lateral: _, name, args, with_ordinality, alias } => {
                let function = self.call(name, args, &lateral_scope())?;
                self.function_result(&function, *with_ordinality, alias.as_ref())?
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset,
                with_offset_alias,
                with_ordinality,
            } => {
                refuse_if(*with_offset || with_offset_alias.is_some(), "WITH OFFSET")?;
                self.exprs(array_exprs, &lateral_scope())?;
                self.function_result("unnest", *with_ordinality, alias.as_ref())?
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                refuse_if(sample.is_some(), "TABLESAMPLE behind a subquery")?;
                let output = if *lateral {
                    self.query(subquery, &lateral_scope())?
                } else {
                    self.query(subquery, outer)?
                };
                match alias {
                    Some(alias) => self.aliased(&output.columns, alias)?,
                    None => Relation { schema: None, name: None, columns: output.columns },
                }
            }
            TableFactor::JsonTable { json_expr, json_path, columns, alias } => {
                self.expr(json_expr, &lateral_scope())?;
                expr::check_value(&json_path.value)?;
                let mut names = Vec::new();
                self.json_columns(columns, &mut names)?;
                match alias {
                    Some(alias) => self.aliased(&names.into(), alias)?,
                    None => Relation { schema: None, name: None, columns: names.into() },
                }
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let relations = self.joined(table_with_joins, left, outer)?;
                let Some(alias) = alias else { return Ok(relations) };
                let mut columns = Vec::new();
                for relation in &relations {
                    append(&mut columns, &relation.columns)?;
                }
                self.aliased(&columns.into(), alias)?
            }
            TableFactor::TableFunction { .. } => return Err(Refusal::construct("TABLE(...)")),
            TableFactor::OpenJsonTable { .. } => return Err(Refusal::construct("OPENJSON")),
            TableFactor::Pivot { .. } => return Err(Refusal::construct("PIVOT")),
            TableFactor::Unpivot { .. } | TableFactor::UnpivotExpr { .. } => {
                return Err(Refusal::construct("UNPIVOT"));
            }
            TableFactor::MatchRecognize { .. } => {
                return Err(Refusal::construct("MATCH_RECOGNIZE"));
            }
            TableFactor::XmlTable { .. } => return Err(Refusal::construct("XMLTABLE")),
            TableFactor::SemanticView { .. } => return Err(Refusal::construct("SEMANTIC_VIEW")),
        };
        Ok(vec![relation])
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

    fn function_result(
        &self,
        function: &str,
        with_ordinality: bool,
        alias: Option<&TableAlias>,
    ) -> Result<Relation, Refusal> {
        let relation = alias.map_or_else(|| function.to_owned(), |it| names::folded(&it.name));
        let mut columns: Vec<Rc<str>> = match function {
            "json_each" | "json_each_text" | "jsonb_each" | "jsonb_each_text" => {
                vec!["key".into(), "value".into()]
            }
            "json_array_elements"
            | "json_array_elements_text"
            | "jsonb_array_elements"
            | "jsonb_array_elements_text" => vec!["value".into()],
            _ => vec![relation.as_str().into()],
        };
        if with_ordinality {
            columns.push("ordinality".into());
        }
        match alias {
            Some(alias) => self.aliased(&columns.into(), alias),
            None => Ok(Relation::named(relation, columns.into())),
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

    fn json_columns(
        &self,
        columns: &[JsonTableColumn],
        names: &mut Vec<Rc<str>>,
    ) -> Result<(), Refusal> {
        for column in columns {
            match column {
                JsonTableColumn::ForOrdinality(name) => names.push(names::folded(name).into()),
                JsonTableColumn::Nested(ast::JsonTableNestedColumn { path, columns }) => {
                    expr::check_value(&path.value)?;
                    self.json_columns(columns, names)?;
                }
                JsonTableColumn::Named(column) => {
                    let ast::JsonTableNamedColumn {
                        name,
                        r#type,
                        path,
                        exists: _,
                        on_empty,
                        on_error,
                    } = column;
                    names.push(names::folded(name).into());
                    types::check(r#type, &self.catalog)?;
                    expr::check_value(&path.value)?;
                    for handling in [on_empty, on_error].into_iter().flatten() {
                        match handling {
                            JsonTableColumnErrorHandling::Null
                            | JsonTableColumnErrorHandling::Error => {}
                            JsonTableColumnErrorHandling::Default(value) => {
                                expr::check_value(&value.value)?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
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
        if let Some(ast::TableSampleQuantity { parenthesized: _, value, unit }) = quantity {
            refuse_if(unit.is_some(), "a unit in TABLESAMPLE")?;
            self.expr(value, scope)?;
        }
        match seed {
            Some(ast::TableSampleSeed { modifier: _, value }) => expr::check_value(&value.value),
            None => Ok(()),
        }
    }
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
