//! Whether a result is nothing but totals.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArgumentList, FunctionArguments, GroupByExpr,
    Query, Select, SelectItem, SetExpr,
};

use super::names;

/// Whether the query has one row at most, each column of which is a plain `count`,
/// `sum` or `avg`. What is not known to be so is not.
pub(super) fn is_aggregate(query: &Query) -> bool {
    let SetExpr::Select(select) = &*query.body else { return false };
    // A function in ORDER BY may return several rows.
    query.order_by.is_none() && is_one_row(select) && select.projection.iter().all(is_total)
}

fn is_one_row(select: &Select) -> bool {
    let is_grouped = match &select.group_by {
        GroupByExpr::Expressions(exprs, modifiers) => !exprs.is_empty() || !modifiers.is_empty(),
        GroupByExpr::All(_) => true,
    };
    !is_grouped
        && select.having.is_none()
        && select.distinct.is_none()
        && select.named_window.is_empty()
        && !select.projection.is_empty()
}

fn is_total(item: &SelectItem) -> bool {
    match item {
        SelectItem::UnnamedExpr(Expr::Function(function))
        | SelectItem::ExprWithAlias { expr: Expr::Function(function), alias: _ } => {
            is_total_call(function)
        }
        _ => false,
    }
}

fn is_total_call(function: &Function) -> bool {
    let Function {
        name,
        uses_odbc_syntax,
        parameters,
        args,
        filter: _,
        null_treatment,
        over,
        within_group,
    } = function;
    let is_plain = !uses_odbc_syntax
        && *parameters == FunctionArguments::None
        && null_treatment.is_none()
        && over.is_none()
        && within_group.is_empty();
    is_plain && is_total_name(&names::parts(name).unwrap_or_default()) && is_one_argument(args)
}

fn is_total_name(parts: &[String]) -> bool {
    let name = match parts {
        [name] => name,
        [schema, name] if schema == "pg_catalog" => name,
        _ => return false,
    };
    matches!(name.as_str(), "count" | "sum" | "avg")
}

fn is_one_argument(args: &FunctionArguments) -> bool {
    match args {
        FunctionArguments::List(FunctionArgumentList { duplicate_treatment, args, clauses }) => {
            let is_known = matches!(
                duplicate_treatment,
                None | Some(DuplicateTreatment::Distinct | DuplicateTreatment::All)
            );
            is_known && args.len() == 1 && clauses.is_empty()
        }
        FunctionArguments::None | FunctionArguments::Subquery(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: bool) {
        assert_eq!(is_aggregate(&parse::untrusted(sql).unwrap()), expected, "{sql}");
    }

    #[test]
    fn other_columns_are_no_totals() {
        for projection in [
            "name",
            "*",
            "t.*",
            "1",
            "max(x)",
            "min(x)",
            "string_agg(x, ',')",
            "array_agg(x)",
            "mode() WITHIN GROUP (ORDER BY x)",
            "sum(x) + 0",
            "sum(x) || name",
            "round(avg(x))",
            "sum(x)::text",
            "(sum(x))",
            "-sum(x)",
            "CASE WHEN true THEN count(*) END",
            "coalesce(sum(x), 0)",
            "(SELECT count(*) FROM t)",
            "count(*), name",
            "count(*), max(x)",
            "sum(x) OVER ()",
            "count(*) OVER (PARTITION BY name)",
            "sum(x) OVER w",
            "sum(sum(x)) OVER ()",
            "count(x ORDER BY y)",
            "sum(x, y)",
            "count()",
            "shop.sum(x)",
            "\"SUM\"(x)",
        ] {
            check(&format!("SELECT {projection} FROM t"), false);
        }
    }

    #[test]
    fn several_rows_are_no_totals() {
        for sql in [
            "SELECT count(*) FROM t GROUP BY name",
            "SELECT count(*) FROM t GROUP BY ROLLUP (name)",
            "SELECT count(*) FROM t GROUP BY ()",
            "SELECT sum(x) FROM t HAVING min(name) = 'a'",
            "SELECT count(*) FROM t ORDER BY generate_series(1, 3)",
            "SELECT DISTINCT count(*) FROM t",
            "SELECT DISTINCT ON (count(*)) count(*) FROM t",
            "SELECT count(*) FROM t UNION SELECT count(*) FROM u",
            "SELECT count(*) FROM t UNION ALL SELECT salary FROM u",
            "SELECT count(*) FROM t EXCEPT SELECT 1",
            "SELECT count(*) FROM t WINDOW w AS (ORDER BY x)",
            "(SELECT count(*) FROM t)",
            "VALUES (1)",
        ] {
            check(sql, false);
        }
    }

    #[test]
    fn one_row_of_counts_sums_and_averages_is_nothing_but_totals() {
        for sql in [
            "SELECT count(*) FROM t",
            "SELECT COUNT(x), sum(x) AS total, pg_catalog.avg(x) mean FROM t",
            "SELECT count(DISTINCT x), sum(ALL x) FROM t",
            "SELECT sum(x) FILTER (WHERE id = 1) FROM t",
            "SELECT sum(x * y + 1) FROM t JOIN u USING (id) WHERE name = 'a'",
            "SELECT count(*) FROM (SELECT name FROM t GROUP BY name) s",
            "WITH s AS (SELECT * FROM t) SELECT count(*) FROM s LIMIT 1",
        ] {
            check(sql, true);
        }
    }
}
