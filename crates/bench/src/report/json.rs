//! The results for programs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::{Report, Row};

/// Where they are written, again and again: a reader finds the whole of them.
#[derive(Debug)]
pub(super) struct JsonFile(PathBuf);

impl JsonFile {
    /// What is there and no file, such as a pipe, can't be replaced.
    pub(super) fn at(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            return Ok(Self(path.to_owned()));
        }
        let path = path.canonicalize().with_context(|| path.display().to_string())?;
        ensure!(path.is_file(), "{} is no file", path.display());
        Ok(Self(path))
    }

    pub(super) fn write(&self, json: &Value) -> anyhow::Result<()> {
        let unfinished = self.0.with_added_extension("new");
        let text = format!("{json:#}\n");
        fs::write(&unfinished, text).with_context(|| unfinished.display().to_string())?;
        fs::rename(&unfinished, &self.0).with_context(|| self.0.display().to_string())
    }
}

/// `cases` is what others read: less is better, and a target may be null. Until `complete` is
/// true, cases may be missing.
pub(crate) fn json(report: &Report) -> Value {
    let about: serde_json::Map<String, Value> =
        report.about.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    json!({
        "complete": report.is_complete,
        "cases": report.rows.iter().map(row).collect::<Vec<_>>(),
        "about": about,
        "figures": report.cases,
        "over_load": report.curves,
        "failures": report.failures,
    })
}

fn row(row: &Row) -> Value {
    let mut json = json!({
        "case": row.case,
        "ratio": row.ratio.map(|it| it.median),
        "min": row.ratio.map(|it| it.min),
        "max": row.ratio.map(|it| it.max),
        "target": row.target,
        "ok": row.is_ok(),
    });
    if let Some(error) = &row.error {
        json["error"] = error.as_str().into();
    }
    json
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
