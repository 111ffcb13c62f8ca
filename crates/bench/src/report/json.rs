//! The results for programs.

use serde_json::{Value, json};

use super::{Report, Row};

/// `cases` is what others read: less is better, and a target may be null.
pub(crate) fn json(report: &Report) -> Value {
    let about: serde_json::Map<String, Value> =
        report.about.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    json!({
        "cases": report.rows.iter().map(row).collect::<Vec<_>>(),
        "about": about,
        "figures": report.cases,
        "over_load": report.curves,
    })
}

fn row(row: &Row) -> Value {
    json!({
        "case": row.case,
        "ratio": row.ratio.map(|it| it.median),
        "min": row.ratio.map(|it| it.min),
        "max": row.ratio.map(|it| it.max),
        "target": row.target,
        "ok": row.is_ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::Spread;

    #[track_caller]
    fn check(ratio: Option<f64>, target: Option<f64>, ok: bool) {
        let ratio = ratio.map(|it| Spread::of([it]));
        let rows = vec![Row::new("get_session_cpu", ratio, target)];

        let json = json(&Report { rows, ..Report::default() });

        let case = &json["cases"][0];
        assert_eq!(case["case"], "get_session_cpu");
        assert_eq!(case["ratio"], json!(ratio.map(|it| it.median)));
        assert_eq!(case["target"], json!(target));
        assert_eq!(case["ok"], ok);
    }

    #[test]
    fn a_figure_is_ok_up_to_its_bound() {
        check(Some(2.5), Some(2.5), true);
        check(Some(2.6), Some(2.5), false);
    }

    #[test]
    fn a_figure_without_a_bound_is_ok_and_a_bound_without_a_figure_is_not() {
        check(Some(9.0), None, true);
        check(None, Some(2.5), false);
    }
}
