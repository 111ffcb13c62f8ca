//! Functions in FROM.

use std::rc::Rc;

use sqlparser::ast::{TableAlias, TableFactor, TableFunctionArgs};

use super::super::refusal::{Refusal, refuse_if};
use super::super::scope::{Relation, Scope};
use super::super::{Walk, names};

impl Walk<'_> {
    /// `f(...)`, `LATERAL f(...)` and `UNNEST(...)`, whose arguments see what stands
    /// before them in FROM.
    pub(super) fn function_factor(
        &self,
        factor: &mut TableFactor,
        scope: &Scope<'_>,
    ) -> Result<Relation, Refusal> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: Some(TableFunctionArgs { args, settings }),
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                let has_hint = !with_hints.is_empty() || !index_hints.is_empty();
                let is_partial = version.is_some() || !partitions.is_empty() || sample.is_some();
                refuse_if(has_hint || is_partial, "an addition to a function in FROM")?;
                refuse_if(json_path.is_some(), "a path behind a function")?;
                refuse_if(settings.is_some(), "SETTINGS")?;
                let function = self.call(name, args, scope)?;
                self.function_result(&function, *with_ordinality, alias.as_ref())
            }
            TableFactor::Function { lateral: _, name, args, with_ordinality, alias } => {
                let function = self.call(name, args, scope)?;
                self.function_result(&function, *with_ordinality, alias.as_ref())
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset,
                with_offset_alias,
                with_ordinality,
            } => {
                refuse_if(*with_offset || with_offset_alias.is_some(), "WITH OFFSET")?;
                self.exprs(array_exprs, scope)?;
                self.function_result("unnest", *with_ordinality, alias.as_ref())
            }
            _ => Err(Refusal::construct(format_args!("in FROM: {factor}"))),
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
}
