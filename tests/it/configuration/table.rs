//! The README's table of variables has all of them, as they are.

use std::collections::{BTreeMap, BTreeSet};

use clap::Arg;

use super::{is_secret, programs};

const README: &str = include_str!("../../../README.md");
const HEAD: &str = "| variable | of | default | values | meaning |";

#[derive(Debug)]
pub(super) struct Row {
    pub names: Vec<String>,
    of: String,
    default: String,
    pub values: String,
}

pub(super) fn rows() -> Vec<Row> {
    let table = README.split_once(HEAD).expect("the README has the table").1;
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    lines.map(Row::read).collect()
}

impl Row {
    fn read(line: &str) -> Self {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [names, of, default, values, meaning] = cells[..] else {
            panic!("a row must be like\n{HEAD}\nand this is not:\n{line}");
        };
        assert!(!values.is_empty() && !meaning.is_empty(), "{line}");
        let code = |text: &str| text.trim_matches('`').to_owned();
        let names = names.split(", ").map(code).collect();
        Self { names, of: of.to_owned(), default: code(default), values: values.to_owned() }
    }
}

/// A variable, as the programs that have it know it.
struct Variable {
    argument: Arg,
    of: BTreeSet<&'static str>,
    is_required: bool,
}

impl Variable {
    fn of(&self) -> String {
        let services = ["session-service", "run-worker"].map(|it| self.of.contains(it));
        let services = match services {
            [true, true] => "both",
            [true, false] => "session-service",
            [false, true] => "run-worker",
            [false, false] => return "migration".to_owned(),
        };
        let migration = if self.of.contains("migration") { ", migration" } else { "" };
        format!("{services}{migration}")
    }

    /// The words for it; the second is as good as the first.
    fn defaults(&self) -> [String; 2] {
        let values = self.argument.get_default_values();
        let values: Vec<_> = values.iter().map(|it| it.to_string_lossy()).collect();
        match values.join(",") {
            _ if self.is_required => ["required"; 2].map(str::to_owned),
            none if none.is_empty() => ["none", "any"].map(str::to_owned),
            value => [value.clone(), value],
        }
    }

    fn names(&self, name: &str) -> Vec<String> {
        let file = is_secret(&self.argument).then(|| format!("{name}_FILE"));
        [name.to_owned()].into_iter().chain(file).collect()
    }
}

fn variables() -> BTreeMap<String, Variable> {
    let mut found = BTreeMap::<String, Variable>::new();
    for program in programs() {
        for (name, argument) in program.arguments() {
            let is_required = argument.is_required_set();
            let variable = Variable { argument, of: BTreeSet::new(), is_required };
            let variable = found.entry(name).or_insert(variable);
            variable.of.insert(program.name);
        }
    }
    found
}

#[test]
fn the_readme_has_one_row_for_every_variable_and_no_other() {
    let (rows, variables) = (rows(), variables());
    for (name, variable) in &variables {
        let names = variable.names(name);
        let (of, defaults) = (variable.of(), variable.defaults());
        let quoted: Vec<String> = names.iter().map(|it| format!("`{it}`")).collect();
        let wanted = format!(
            "{name}: README.md's table must have one row like\n| {} | {of} | {} | … | … |",
            quoted.join(", "),
            defaults[0]
        );
        let mut own = rows.iter().filter(|row| row.names.contains(name));
        let (Some(row), None) = (own.next(), own.next()) else { panic!("{wanted}") };
        let is_right = row.names == names && row.of == of && defaults.contains(&row.default);
        assert!(is_right, "{wanted}\nand not\n{row:?}");
    }
    for row in &rows {
        let name = &row.names[0];
        assert!(
            variables.contains_key(name),
            "README.md has a row for {name}, which no program reads"
        );
    }
}

#[test]
fn every_variable_is_named_like_its_flag_and_means_the_same_everywhere() {
    let mut known = BTreeMap::new();
    for program in programs() {
        for (name, argument) in program.arguments() {
            let flag = argument.get_long().unwrap_or_default().to_owned();
            assert_eq!(flag.to_uppercase().replace('-', "_"), name);
            let this = (is_secret(&argument), argument.get_default_values().to_vec());
            let (other, before) = known.entry(name.clone()).or_insert((program.name, this.clone()));
            assert_eq!(*before, this, "{name} of {other} and of {}", program.name);
        }
    }
}
