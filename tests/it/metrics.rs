//! What operators see: all of it from the start, moved by what happens, and described.

mod calls;
mod documents;
mod models;
mod queue;
mod runs;
mod start;

use std::{collections::BTreeMap, sync::OnceLock};

use bootstrap::metrics::{Exporter, install};
use model::Models;
use tokio::process::Command;

/// Metrics are the process's: a test that looks at them has a process of its own, which is
/// the test's program again, told to run this test alone.
async fn alone(test: &str, work: impl AsyncFnOnce()) {
    if std::env::args().any(|it| it == "--exact") {
        return work().await;
    }
    let program = std::env::current_exe().expect("this program is there");
    let output = Command::new(program).args(["--exact", test]).output().await.expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{test}:\n{said}");
}

/// A line of what Prometheus is shown.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// What both services show, in one.
struct Shown(&'static Exporter);

impl Shown {
    /// From now on.
    fn install() -> Self {
        static EXPORTER: OnceLock<Exporter> = OnceLock::new();
        let exporter = EXPORTER.get_or_init(|| {
            let histograms =
                [session_service::metrics::HISTOGRAMS, run_worker::metrics::HISTOGRAMS];
            install("tests", &histograms).expect("nobody else has installed one")
        });
        session_service::metrics::register();
        run_worker::metrics::register();
        let _ = Models::default();
        Self(exporter)
    }

    fn text(&self) -> String {
        self.0.render()
    }

    fn samples(&self) -> Vec<Sample> {
        let text = self.text();
        text.lines().filter(|it| !it.is_empty() && !it.starts_with('#')).map(sample).collect()
    }

    /// The sum of the series that have these labels; there must be some.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let samples = self.samples();
        let matching = samples.iter().filter(|it| it.name == name).filter(|it| {
            labels.iter().all(|(key, value)| it.labels.get(*key).is_some_and(|it| it == value))
        });
        let values: Vec<f64> = matching.map(|it| it.value).collect();
        assert!(!values.is_empty(), "there is no {name} with {labels:?}");
        values.iter().sum()
    }
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').expect("a series and its value");
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.trim_end_matches('}').split("\",").filter(|it| !it.is_empty());
    let labels = labels.map(|label| {
        let (key, value) = label.split_once("=\"").expect("a label and its value");
        (key.to_owned(), value.trim_end_matches('"').to_owned())
    });
    Sample {
        name: name.to_owned(),
        labels: labels.collect(),
        value: value.parse().expect("a number"),
    }
}
