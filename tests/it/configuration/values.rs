//! What can't be used is refused at the start, by the name that operators know it by.

use clap::Arg;

use super::{Program, Refusal, is_secret, programs, table};

/// A part of values that must not be shown where they are secret.
const SECRET: &str = "s3cret";

/// For each variable one of them, at least, can't be meant.
const WRONG: [&str; 8] = [
    "",
    " ",
    "s3cret/ ?",
    "postgres://a:s3cret@/?",
    "nats://a:s3cret@ b",
    "1:s3cret",
    r#"[{"s3cret": 1}]"#,
    "/no/such/file/s3cret",
];

fn for_every_variable(check: impl Fn(&Program, &str, &Arg)) {
    for program in programs() {
        for (name, argument) in program.arguments() {
            check(&program, &name, &argument);
        }
    }
}

#[test]
fn a_bad_value_is_refused_by_its_variables_name_and_no_secret_is_shown() {
    for_every_variable(|program, name, argument| {
        let refusals: Vec<Refusal> =
            WRONG.iter().filter_map(|value| program.start_with(argument, value).err()).collect();

        assert!(!refusals.is_empty(), "{}: {name} takes everything", program.name);
        for refusal in refusals {
            let text = refusal.text();
            assert!(text.contains(name), "{}: {name}: {text}", program.name);
            assert!(!is_secret(argument) || !text.contains(SECRET), "{name}: {text}");
        }
    });
}

#[test]
fn an_empty_value_is_refused_unless_it_is_the_default() {
    for_every_variable(|program, name, argument| {
        let is_default = argument.get_default_values().iter().any(|it| it.is_empty());

        let result = program.start_with(argument, "");

        assert_eq!(result.is_ok(), is_default, "{}: {name}: {result:?}", program.name);
    });
}

/// As in "1 to 10", or "1 or more".
fn range(values: &str) -> Option<(i64, Option<i64>)> {
    if let Some(least) = values.strip_suffix(" or more") {
        return Some((least.parse().ok()?, None));
    }
    let (least, most) = values.split_once(" to ")?;
    Some((least.parse().ok()?, Some(most.parse().ok()?)))
}

#[test]
fn the_readme_gives_the_range_of_every_number() {
    let rows = table::rows();
    for_every_variable(|program, name, argument| {
        let row = rows.iter().find(|row| row.names[0] == name);
        let values = &row.unwrap_or_else(|| panic!("README.md has no row for {name}")).values;
        let is_taken = |number: i64| {
            let result = program.start_with(argument, &number.to_string());
            !matches!(result, Err(Refusal::Parse(_)))
        };
        let is_number = argument
            .get_default_values()
            .iter()
            .any(|it| it.to_string_lossy().parse::<u64>().is_ok());
        let is_list = !argument.get_possible_values().is_empty();
        let Some((least, most)) = range(values) else {
            assert!(
                !is_number || is_list,
                "{name} is a number: README.md must say `N to M` or `N or more`"
            );
            return;
        };

        assert!(is_taken(least) && !is_taken(least - 1), "{name}: {values}");
        if let Some(most) = most {
            assert!(is_taken(most) && !is_taken(most + 1), "{name}: {values}");
        } else {
            assert!(is_taken(i64::from(u32::MAX)), "{name}: {values}");
        }
    });
}
