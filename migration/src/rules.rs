//! Holds new migrations to what CONTRIBUTING says of a rolling deploy: while a release is rolled
//! out, the one before still runs, and nobody may wait for the migration.

use std::{fs, path::Path};

/// The last one before the rules.
const LAST_WITHOUT: &str = "m20261122_000009";

/// Says of a breach that it is the second half of a change, whose first half was released.
const CONTRACT: &str = "-- contract:";

/// What takes away something that the release before uses, or may hold it up.
const BREACHES: [(&str, &str); 8] = [
    ("DROP COLUMN", "the release before still reads it"),
    ("DROP TABLE", "the release before still reads it"),
    (" RENAME ", "the release before still uses the old name"),
    ("SET NOT NULL", "reads the whole table under a lock, and the release before may leave it out"),
    (" SET DATA TYPE ", "writes the whole table anew under a lock"),
    (" TYPE ", "writes the whole table anew under a lock"),
    ("DROP INDEX", "the release before may need it, and nobody can read meanwhile; see `Indexes`"),
    ("DROP CONSTRAINT", "the release before may rely on it"),
];

/// What is wrong with the SQL of a migration's way up.
fn breaches(up: &str) -> Vec<String> {
    let lines = up.lines().filter(|line| !line.trim_start().starts_with("--"));
    let sql = lines.collect::<Vec<_>>().join(" ").to_uppercase();
    let statements: Vec<String> =
        sql.split(';').map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let new: Vec<&str> = statements
        .iter()
        .filter_map(|it| it.strip_prefix("CREATE TABLE "))
        .map(first_word)
        .collect();
    let of_old = statements.iter().filter(|it| table(it).is_some_and(|it| !new.contains(&it)));
    let of_old: Vec<&str> = of_old.map(String::as_str).collect();
    let mut found: Vec<String> =
        of_old.iter().flat_map(|statement| breaches_of(statement)).collect();
    let is_any = |part: &str| of_old.iter().any(|statement| statement.contains(part));
    if is_any("ADD CONSTRAINT") && is_any("VALIDATE CONSTRAINT") {
        found.push(
            "VALIDATE CONSTRAINT: in a migration of its own, where no lock is held".to_owned(),
        );
    }
    found
}

fn breaches_of(statement: &str) -> Vec<String> {
    let padded = format!("{statement} ");
    let found = BREACHES.iter().filter(|(breach, _)| padded.contains(breach));
    let mut found: Vec<String> =
        found.map(|(breach, why)| format!("{}: {why}", breach.trim())).collect();
    if statement.contains("INDEX") && statement.starts_with("CREATE") {
        found.push("CREATE INDEX: nobody can write meanwhile; see `Indexes`".to_owned());
    }
    let is_demanding = |part: &str| {
        part.contains("ADD COLUMN") && part.contains("NOT NULL") && !part.contains("DEFAULT")
    };
    if statement.split(',').any(is_demanding) {
        found.push("ADD COLUMN NOT NULL: needs a DEFAULT; the release before leaves it out".into());
    }
    for part in statement.split(',').filter(|part| part.contains("ADD COLUMN")) {
        if part.contains(" GENERATED ") && !statement.contains(" VIRTUAL") {
            found.push("ADD COLUMN GENERATED: writes the whole table anew under a lock".to_owned());
        }
        if [" UNIQUE", " CHECK", " PRIMARY KEY"].iter().any(|it| part.contains(it)) {
            found.push(
                "ADD COLUMN with a constraint: reads the whole table; add it by itself".into(),
            );
        }
    }
    if statement.contains("ADD CONSTRAINT") && !statement.contains("NOT VALID") {
        found.push("ADD CONSTRAINT: NOT VALID first, and VALIDATE CONSTRAINT by itself".to_owned());
    }
    found
}

/// The table that a statement changes.
fn table(statement: &str) -> Option<&str> {
    let after = |word: &str| statement.split_once(word).map(|(_, rest)| first_word(rest));
    if statement.starts_with("CREATE") && statement.contains("INDEX ") {
        return after(" ON ");
    }
    if statement.starts_with("DROP INDEX ") {
        return after("DROP INDEX ");
    }
    after("ALTER TABLE ONLY ").or_else(|| after("ALTER TABLE ")).or_else(|| after("DROP TABLE "))
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start_matches("IF NOT EXISTS ").trim_start_matches("IF EXISTS ");
    text.split([' ', '(']).next().unwrap_or_default()
}

fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let entries = fs::read_dir(folder).expect("the sources are there");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .map(|path| {
            let name = path.file_name().expect("it has one").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("sources are UTF-8"))
        })
        .filter(|(name, _)| name.starts_with('m') && name[1..].starts_with(char::is_numeric))
        .collect();
    files.sort();
    files
}

#[test]
fn new_migrations_can_be_applied_while_the_release_before_runs() {
    let files = files();
    assert!(files.iter().any(|(name, _)| name.starts_with(LAST_WITHOUT)), "{files:?}");
    for (name, text) in files.iter().filter(|(name, _)| LAST_WITHOUT < &name[..LAST_WITHOUT.len()])
    {
        let up = text.split("const DOWN").next().unwrap_or_default();
        let breaches = if up.contains(CONTRACT) { Vec::new() } else { breaches(up) };
        assert!(
            breaches.is_empty(),
            "{name}: {breaches:#?}\nCONTRIBUTING.md says how it is done in two releases. The \
             second one says so in its SQL: `{CONTRACT} what was released in which version`"
        );
    }
}

#[test]
fn a_breach_is_found_by_its_statement() {
    for (sql, expected) in [
        ("ALTER TABLE runs DROP COLUMN state;", "DROP COLUMN"),
        ("DROP TABLE IF EXISTS runs;", "DROP TABLE"),
        ("ALTER TABLE runs\n RENAME state TO condition;", "RENAME"),
        ("ALTER TABLE runs ALTER COLUMN state SET NOT NULL;", "SET NOT NULL"),
        ("alter table runs alter column state type integer using 1;", "TYPE"),
        ("CREATE UNIQUE INDEX a_idx ON runs (id);", "CREATE INDEX"),
        ("CREATE TABLE a (id int); CREATE INDEX b_idx ON runs (id);", "CREATE INDEX"),
        (
            "ALTER TABLE runs ADD COLUMN a text DEFAULT '', ADD COLUMN b text NOT NULL;",
            "ADD COLUMN",
        ),
        ("ALTER TABLE runs ADD CONSTRAINT a CHECK (id > 0);", "ADD CONSTRAINT"),
        (
            "ALTER TABLE runs ADD CONSTRAINT a CHECK (id > 0) NOT VALID;
             ALTER TABLE runs VALIDATE CONSTRAINT a;",
            "VALIDATE CONSTRAINT",
        ),
        (
            "ALTER TABLE runs ADD COLUMN a int GENERATED ALWAYS AS (mod(id, 2)) STORED;",
            "ADD COLUMN GENERATED",
        ),
        ("ALTER TABLE runs ADD COLUMN a bigint GENERATED BY DEFAULT AS IDENTITY;", "ADD COLUMN"),
        ("ALTER TABLE runs ADD COLUMN a int UNIQUE;", "ADD COLUMN with"),
        ("ALTER TABLE runs ADD COLUMN a int CHECK (a IN (1, 2));", "ADD COLUMN with"),
        ("DROP INDEX runs_wake_at_idx;", "DROP INDEX"),
        ("DROP INDEX IF EXISTS runs_wake_at_idx;", "DROP INDEX"),
    ] {
        let found = breaches(sql);
        assert_eq!(found.len(), 1, "{sql}: {found:?}");
        assert!(found[0].starts_with(expected), "{sql}: {found:?}");
    }
}

#[test]
fn what_nobody_waits_for_or_misses_is_none() {
    for sql in [
        "CREATE TABLE a (id bigint NOT NULL); CREATE INDEX a_idx ON a (id);
         ALTER TABLE a ADD CONSTRAINT a_check CHECK (id > 0);",
        "ALTER TABLE runs VALIDATE CONSTRAINT a;",
        "ALTER TABLE runs ADD COLUMN a int GENERATED ALWAYS AS (id * 2) VIRTUAL;",
        "ALTER TABLE runs ADD COLUMN a text, ADD COLUMN b int NOT NULL DEFAULT 0;",
        "-- DROP COLUMN is for the next release
         ALTER TABLE runs ADD CONSTRAINT a CHECK (id > 0) NOT VALID;",
        "UPDATE runs SET type = 'a' WHERE id = 1;",
    ] {
        assert_eq!(breaches(sql), Vec::<String>::new(), "{sql}");
    }
}
