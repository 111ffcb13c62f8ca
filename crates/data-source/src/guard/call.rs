//! Function calls.

use sqlparser::ast::{
    self, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, ObjectName, WindowFrameBound, WindowSpec, WindowType,
};

use super::refusal::{Refusal, refuse_if};
use super::scope::Scope;
use super::{Walk, functions, types};

impl Walk<'_> {
    pub(super) fn function(
        &self,
        function: &mut Function,
        scope: &Scope<'_>,
    ) -> Result<(), Refusal> {
        functions::check(&function.name)?;
        self.function_parts(function, scope)
    }

    /// All of a call but its name.
    pub(super) fn function_parts(
        &self,
        function: &mut Function,
        scope: &Scope<'_>,
    ) -> Result<(), Refusal> {
        let Function {
            name: _,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment: _,
            over,
        } = function;
        refuse_if(*uses_odbc_syntax, "{fn ...}")?;
        refuse_if(!matches!(parameters, FunctionArguments::None), "a function's parameters")?;
        match args {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(query) => {
                self.query(query, scope)?;
            }
            FunctionArguments::List(list) => self.argument_list(list, scope)?,
        }
        self.order_by_exprs(within_group, scope)?;
        self.exprs(filter.as_deref_mut(), scope)?;
        match over {
            None | Some(WindowType::NamedWindow(_)) => Ok(()),
            Some(WindowType::WindowSpec(spec)) => self.window(spec, scope),
        }
    }

    /// A call in FROM; tells the function's name.
    pub(super) fn call(
        &self,
        name: &ObjectName,
        args: &mut [FunctionArg],
        scope: &Scope<'_>,
    ) -> Result<String, Refusal> {
        let function = functions::check(name)?;
        self.arguments(args, scope)?;
        Ok(function)
    }

    fn argument_list(
        &self,
        list: &mut FunctionArgumentList,
        scope: &Scope<'_>,
    ) -> Result<(), Refusal> {
        let FunctionArgumentList { duplicate_treatment: _, args, clauses } = list;
        self.arguments(args, scope)?;
        for clause in clauses {
            match clause {
                FunctionArgumentClause::OrderBy(exprs) => self.order_by_exprs(exprs, scope)?,
                FunctionArgumentClause::JsonNullClause(_)
                | FunctionArgumentClause::IgnoreOrRespectNulls(_) => {}
                FunctionArgumentClause::JsonReturningClause(returning) => {
                    types::check(&returning.data_type, &self.catalog)?;
                }
                FunctionArgumentClause::Where(_)
                | FunctionArgumentClause::Limit(_)
                | FunctionArgumentClause::OnOverflow(_)
                | FunctionArgumentClause::Having(_)
                | FunctionArgumentClause::Separator(_) => {
                    let message = format_args!("among a function's arguments: {clause}");
                    return Err(Refusal::construct(message));
                }
            }
        }
        Ok(())
    }

    fn arguments(&self, args: &mut [FunctionArg], scope: &Scope<'_>) -> Result<(), Refusal> {
        for arg in args {
            let (arg, operator) = match arg {
                FunctionArg::Unnamed(arg) => (arg, None),
                FunctionArg::Named { name: _, arg, operator } => (arg, Some(operator)),
                FunctionArg::ExprNamed { name, arg, operator } => {
                    self.expr(name, scope)?;
                    (arg, Some(operator))
                }
            };
            match operator {
                None
                | Some(
                    FunctionArgOperator::RightArrow
                    | FunctionArgOperator::Assignment
                    | FunctionArgOperator::Colon
                    | FunctionArgOperator::Value,
                ) => {}
                Some(FunctionArgOperator::Equals | FunctionArgOperator::Space) => {
                    return Err(Refusal::construct("an argument's name without =>"));
                }
            }
            match arg {
                FunctionArgExpr::Expr(expr) => self.expr(expr, scope)?,
                FunctionArgExpr::QualifiedWildcard(name) => {
                    self.all_columns_of(name, scope)?;
                }
                FunctionArgExpr::Wildcard => {}
                FunctionArgExpr::WildcardWithOptions(_) => {
                    return Err(Refusal::construct("* with an addition"));
                }
            }
        }
        Ok(())
    }

    pub(super) fn window(&self, spec: &mut WindowSpec, scope: &Scope<'_>) -> Result<(), Refusal> {
        let WindowSpec { window_name: _, partition_by, order_by, window_frame } = spec;
        self.exprs(partition_by, scope)?;
        self.order_by_exprs(order_by, scope)?;
        let Some(ast::WindowFrame { units: _, start_bound, end_bound }) = window_frame else {
            return Ok(());
        };
        for bound in [Some(start_bound), end_bound.as_mut()].into_iter().flatten() {
            match bound {
                WindowFrameBound::CurrentRow => {}
                WindowFrameBound::Preceding(expr) | WindowFrameBound::Following(expr) => {
                    self.exprs(expr.as_deref_mut(), scope)?;
                }
            }
        }
        Ok(())
    }
}
