//! What DESIGN says of the crates, held over `cargo metadata` and the sources.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

const MAX_LINES: usize = 500;

/// The packages that one needs to run, by its name.
struct Graph {
    needs: HashMap<String, HashSet<String>>,
    members: HashSet<String>,
}

static GRAPH: LazyLock<Graph> = LazyLock::new(|| {
    let host = run("rustc", &["-vV"]);
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.expect("rustc says what it builds for");
    let arguments = ["metadata", "--format-version=1", "--locked", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&run(env!("CARGO"), &arguments)).expect("JSON");
    Graph::of(&metadata)
});

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

impl Graph {
    fn of(metadata: &Value) -> Self {
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let packages = list(&metadata["packages"]);
        let names: HashMap<String, String> =
            packages.iter().map(|it| (text(&it["id"]), text(&it["name"]))).collect();
        let is_normal = |dependency: &&Value| {
            list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null())
        };
        let needs = |node: &Value| -> HashSet<String> {
            let dependencies = list(&node["deps"]);
            let normal = dependencies.iter().filter(is_normal);
            normal.map(|it| names[&text(&it["pkg"])].clone()).collect()
        };
        let mut graph = HashMap::<String, HashSet<String>>::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            // Versions of one package are taken for one.
            graph.entry(names[&text(&node["id"])].clone()).or_default().extend(needs(&node));
        }
        let members = list(&metadata["workspace_members"]);
        let members = members.iter().map(|id| names[&text(id)].clone()).collect();
        Self { needs: graph, members }
    }

    /// Everything that a package needs, whether at first hand or not.
    fn all_needs<'a>(&'a self, package: &'a str) -> HashSet<&'a str> {
        let mut found = HashSet::new();
        let mut open = vec![package];
        while let Some(name) = open.pop() {
            let needs = self.needs.get(name).unwrap_or_else(|| panic!("no package {name}"));
            open.extend(needs.iter().map(String::as_str).filter(|it| found.insert(*it)));
        }
        found
    }
}

#[track_caller]
fn never_needs(package: &str, others: &[&str]) {
    let needs = GRAPH.all_needs(package);
    for other in others {
        assert!(!needs.contains(other), "{package} must not depend on {other}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lie in the workspace")
}

/// The Rust sources below a folder of the workspace, by their paths in it.
pub(crate) fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|it| panic!("{folder:?}: {it}")) {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                let inside = path.strip_prefix(root()).expect("it lies there");
                found.push((inside.to_owned(), text));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

fn all_sources() -> Vec<(PathBuf, String)> {
    let folders = ["crates", "migration", "proto", "run-worker", "session-service"];
    folders.into_iter().flat_map(sources).collect()
}

#[test]
fn the_storage_knows_neither_the_wire_nor_the_queue() {
    never_needs("storage", &["proto", "tonic", "prost", "async-nats", "run-queue", "data-source"]);
}

#[test]
fn a_worker_checks_no_tokens_and_serves_no_rpc() {
    never_needs("run-worker", &["jsonwebtoken", "tonic-health", "tonic-reflection", "tonic-web"]);
    for generated in ["tonic", "proto"] {
        assert!(!GRAPH.needs["run-worker"].contains(generated), "{generated}");
    }
}

#[test]
fn the_two_services_do_not_know_each_other() {
    never_needs("session-service", &["run-worker"]);
    never_needs("run-worker", &["session-service"]);
}

#[test]
fn reaching_data_and_models_knows_neither_our_tables_nor_our_protocols() {
    let ours = ["storage", "run-queue", "async-nats", "tonic", "proto", "sea-orm", "sqlx"];
    never_needs("data-source", &ours);
    never_needs("model", &ours);
}

#[test]
fn only_the_storage_and_its_migrations_have_a_database_library_for_our_tables() {
    let has_one = |package: &&String| {
        let libraries = ["sea-orm", "sea-orm-migration", "sqlx", "sqlx-core"];
        libraries.iter().any(|it| GRAPH.needs[*package].contains(*it))
    };

    let mut found: Vec<&String> = GRAPH.members.iter().filter(has_one).collect();
    found.sort();

    assert_eq!(found, ["migration", "storage"]);
}

#[test]
fn only_the_storage_and_its_migrations_have_sql_on_our_tables() {
    let entities = sources("crates/storage/src/entity");
    let tables: Vec<&str> = entities
        .iter()
        .filter_map(|(_, text)| Some(text.split_once("table_name = \"")?.1.split_once('"')?.0))
        .collect();
    let has_sql = |text: &str| {
        // In capitals, as all of our SQL is, or prose would be taken for it.
        let statements = ["FROM", "JOIN", "INTO", "UPDATE", "ONLY", "TABLE"];
        let follows = |rest: &str| {
            let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next();
            name.is_some_and(|name| tables.contains(&name))
        };
        statements.iter().any(|keyword| {
            text.match_indices(&format!("{keyword} "))
                .any(|(at, it)| follows(&text[at + it.len()..]))
        })
    };
    let is_elsewhere = |path: &Path| {
        !["crates/storage", "migration", "crates/dev", "crates/bench"]
            .iter()
            .any(|it| path.starts_with(it))
    };

    let sources = all_sources();
    let at_home = sources.iter().filter(|(path, text)| !is_elsewhere(path) && has_sql(text));
    let strays: Vec<&PathBuf> = sources
        .iter()
        .filter(|(path, text)| is_elsewhere(path) && has_sql(text))
        .map(|(path, _)| path)
        .collect();

    assert!(
        5 <= tables.len() && 5 <= at_home.count(),
        "the search finds what it should: {tables:?}"
    );
    assert_eq!(strays, Vec::<&PathBuf>::new());
}

#[test]
fn there_is_one_tls_library_with_one_provider() {
    let all: HashSet<&str> = GRAPH.members.iter().flat_map(|it| GRAPH.all_needs(it)).collect();

    for other in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "boring"] {
        assert!(!all.contains(other), "{other} is in the tree");
    }
    assert!(all.contains("rustls") && all.contains("ring"));
}

#[test]
fn no_source_file_is_too_long_to_read() {
    let too_long: Vec<PathBuf> = all_sources()
        .into_iter()
        .filter(|(_, text)| MAX_LINES < text.lines().count())
        .map(|(path, _)| path)
        .collect();

    assert_eq!(too_long, Vec::<PathBuf>::new());
}
