//! docs/metrics.md, and how metrics are named.

use std::collections::{BTreeMap, BTreeSet};

use super::{Shown, alone};

const DOCUMENT: &str = include_str!("../../../docs/metrics.md");

/// A family, as it is shown.
#[derive(Debug, Default, PartialEq, Eq)]
struct Family {
    kind: String,
    labels: BTreeSet<String>,
    meaning: String,
}

fn families(shown: &Shown) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for line in shown.text().lines() {
        if let Some((name, meaning)) =
            line.strip_prefix("# HELP ").and_then(|it| it.split_once(' '))
        {
            families.entry(name.to_owned()).or_default().meaning = meaning.to_owned();
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|it| it.split_once(' '))
        {
            families.entry(name.to_owned()).or_default().kind = kind.to_owned();
        }
    }
    for sample in shown.samples() {
        let endings = ["", "_bucket", "_sum", "_count"];
        let family = endings
            .iter()
            .find_map(|it| sample.name.strip_suffix(it).filter(|it| families.contains_key(*it)));
        let family = family.unwrap_or_else(|| panic!("{sample:?} has no type")).to_owned();
        let labels = sample.labels.into_keys().filter(|it| it != "le");
        families.get_mut(&family).expect("it was found").labels.extend(labels);
    }
    families
}

/// The table's rows: name, type, labels, unit, meaning.
fn documented() -> BTreeMap<String, (Family, String)> {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows = rows.map(|row| {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        let [name, kind, labels, unit, meaning] = cells[..] else { panic!("{row}") };
        let labels = labels.split(", ").map(|it| it.trim_matches('`').to_owned());
        let family = Family {
            kind: kind.to_owned(),
            labels: labels.filter(|it| it != "–").collect(),
            meaning: meaning.to_owned(),
        };
        (name.trim_end_matches('`').to_owned(), (family, unit.to_owned()))
    });
    rows.collect()
}

/// What the name says that it is measured in.
fn unit(name: &str) -> &'static str {
    let name = name.trim_end_matches("_total");
    match () {
        () if name.ends_with("_timestamp_seconds") || name == "process_start_time_seconds" => {
            "Unix time"
        }
        () if name.ends_with("_seconds") => "seconds",
        () if name.ends_with("_bytes") => "bytes",
        () => "1",
    }
}

#[tokio::test]
async fn the_document_has_what_is_shown_and_nothing_else() {
    alone("metrics::documents::the_document_has_what_is_shown_and_nothing_else", async || {
        let shown = families(&Shown::install());
        let documented = documented();

        for (name, family) in &shown {
            let row = documented.get(name);
            let row = row.unwrap_or_else(|| panic!("docs/metrics.md has no {name}: {family:?}"));
            assert_eq!((&row.0, row.1.as_str()), (family, unit(name)), "{name}");
        }
        let missing: Vec<_> = documented.keys().filter(|it| !shown.contains_key(*it)).collect();
        assert_eq!(missing, Vec::<&String>::new(), "these are documented, and not shown");
    })
    .await;
}

#[tokio::test]
async fn names_and_types_keep_to_the_conventions() {
    alone("metrics::documents::names_and_types_keep_to_the_conventions", async || {
        for (name, family) in families(&Shown::install()) {
            assert!(["counter", "gauge", "histogram"].contains(&&*family.kind), "{name}");
            assert_eq!(name.ends_with("_total"), family.kind == "counter", "{name}");
            assert!(name.starts_with("tertulia_") || name.starts_with("process_"), "{name}");
            assert!(!family.meaning.is_empty(), "{name} is not described");
            for label in &family.labels {
                let is_of_somebody = ["user", "session", "agent", "run", "question", "id"]
                    .iter()
                    .any(|it| label.split('_').any(|word| word == *it));
                assert!(!is_of_somebody, "{name} has {label}, of which there is no end");
            }
        }
    })
    .await;
}
