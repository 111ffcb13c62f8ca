//! The results as they come: each case's are written down before the next is measured, and a
//! case that fails takes nobody else's with it.

use anyhow::{Context as _, ensure};

use super::{Report, Row, json, json::JsonFile, picture, table::table};
use crate::cli::Options;

#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) report: Report,
    json: Option<JsonFile>,
}

impl Results {
    /// Fails if what is asked for can't be written where it is to be.
    pub(crate) fn begin(about: Vec<(String, String)>, options: &Options) -> anyhow::Result<Self> {
        let json = options.json.as_deref().map(JsonFile::at).transpose()?;
        if let Some(folder) = &options.picture {
            picture::make_folder(folder)?;
        }
        let results = Self { report: Report { about, ..Report::default() }, json };
        results.save()?;
        Ok(results)
    }

    /// Has something measured that is to give these rows. If that fails, they say so.
    pub(crate) async fn attempt(
        &mut self,
        what: &str,
        rows: Vec<Row>,
        measure: impl AsyncFnOnce(&mut Report) -> anyhow::Result<()>,
    ) {
        let measured = measure(&mut self.report).await;
        self.note(what, rows, measured);
    }

    /// Writes down what there is, and what has become of the attempt to measure more.
    pub(crate) fn note(&mut self, what: &str, rows: Vec<Row>, measured: anyhow::Result<()>) {
        if let Err(error) = measured {
            eprintln!("{what} failed: {error:#}");
            self.report.fail(what, rows, &error);
        }
        if let Err(error) = self.save() {
            // It is written again after the next.
            eprintln!("{error:#}");
        }
    }

    fn save(&self) -> anyhow::Result<()> {
        self.json.as_ref().map_or(Ok(()), |file| file.write(&json::json(&self.report)))
    }

    /// Tells everything. Fails if anything did.
    pub(crate) fn end(mut self, options: &Options) -> anyhow::Result<()> {
        print(&table(&self.report));
        if let Some(folder) = &options.picture {
            let drawn = picture::draw(&self.report, folder);
            self.note("drawing pictures", Vec::new(), drawn);
        }
        self.report.is_complete = true;
        self.save().context("writing the results")?;
        let failures = &self.report.failures;
        ensure!(failures.is_empty(), "what has failed:\n{}", failures.join("\n"));
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
fn print(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use anyhow::bail;
    use clap::Parser as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::{cli::Arguments, measured::Spread};

    fn begin(arguments: &[&str]) -> anyhow::Result<(Results, Options)> {
        let options = Arguments::parse_from([&["bench", "--setup=a"], arguments].concat()).options;
        Ok((Results::begin(Vec::new(), &options)?, options))
    }

    fn read(file: &Path) -> Value {
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }

    fn cases(file: &Path) -> Value {
        read(file)["cases"].clone()
    }

    #[tokio::test]
    async fn a_case_that_fails_has_rows_that_say_so_and_the_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ratios.json");
        let (mut results, options) = begin(&["--json", file.to_str().unwrap()]).unwrap();
        let row = |case: &str, ratio| Row::new(case, ratio, None);
        let rows = vec![row("bad_cpu", None), row("bad_p50", None)];

        let bad = async |report: &mut Report| {
            report.rows.push(row("bad_cpu", Some(Spread::of([1.5]))));
            bail!("refused")
        };
        results.attempt("bad", rows, bad).await;
        assert_eq!(cases(&file).as_array().unwrap().len(), 2);
        let good = async |report: &mut Report| {
            report.rows.push(row("good", Some(Spread::of([1.0]))));
            Ok(())
        };
        results.attempt("good", vec![row("good", None)], good).await;

        let cases = cases(&file);
        assert_eq!(cases[0]["ratio"], 1.5, "what was measured before stays");
        assert_eq!(cases[1]["case"], "bad_p50");
        assert_eq!(cases[1]["ratio"], Value::Null);
        assert_eq!(cases[1]["ok"], false);
        assert_eq!(cases[1]["error"], "refused");
        assert_eq!(cases[2]["case"], "good");
        let error = results.end(&options).unwrap_err().to_string();
        assert_eq!(error, "what has failed:\nbad: refused");
    }

    #[test]
    fn there_are_results_from_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ratios.json");

        begin(&["--json", file.to_str().unwrap()]).unwrap();

        assert_eq!(cases(&file), json!([]));
    }

    #[tokio::test]
    async fn results_are_complete_at_the_end_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ratios.json");
        let (mut results, options) = begin(&["--json", file.to_str().unwrap()]).unwrap();
        assert_eq!(read(&file)["complete"], false);

        results.attempt("bad", Vec::new(), async |_: &mut Report| bail!("refused")).await;
        assert_eq!(read(&file)["complete"], false, "others were yet to come");
        results.end(&options).unwrap_err();

        assert_eq!(read(&file)["complete"], true, "all was tried, though not all measured");
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_anything_is_measured() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let missing = format!("{path}/missing/ratios.json");

        let json = begin(&["--json", &missing]).unwrap_err();
        let no_file = begin(&["--json", path]).unwrap_err();
        let picture = begin(&["--picture", "/proc/pictures"]).unwrap_err();

        assert!(format!("{json:#}").contains(&missing), "{json:#}");
        assert!(format!("{no_file:#}").contains("is no file"), "{no_file:#}");
        assert!(format!("{picture:#}").contains("/proc/pictures"), "{picture:#}");
    }
}
