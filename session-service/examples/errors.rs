//! Prints docs/errors.md, the catalogue of errors. `cargo dev docs` writes it.

use session_service::error::{
    failure,
    reason::{self, Again},
};

const INTRODUCTION: &str = include_str!("errors/introduction.md");
const FAILURES: &str = include_str!("errors/failures.md");

#[expect(clippy::print_stdout, reason = "what it is for")]
fn main() {
    print!("{}", document());
}

fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n| reason | code | again | when | what to do |\n");
    text.push_str("| --- | --- | --- | --- | --- |\n");
    text.extend(reason::ALL.iter().map(|it| {
        let again = match it.again {
            Again::No => "no",
            Again::Later => "later",
        };
        let (anchor, code) = (anchor(it.name), name(it.code));
        format!("| {anchor} | {code} | {again} | {} | {} |\n", it.when, it.what_to_do)
    }));
    text.push('\n');
    text.push_str(FAILURES);
    text.push_str("\n| reason | when | what to do |\n| --- | --- | --- |\n");
    text.extend(
        failure::ALL
            .iter()
            .map(|it| format!("| `{}` | {} | {} |\n", it.reason, it.when, it.what_to_do)),
    );
    text
}

/// A reason that can be linked to.
fn anchor(reason: &str) -> String {
    format!("<a id=\"{}\"></a>`{reason}`", reason.to_lowercase())
}

/// A code as gRPC writes it.
fn name(code: tonic::Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_that_is_read_is_the_one_that_is_kept() {
        let kept = include_str!("../../docs/errors.md");
        assert!(document() == kept, "docs/errors.md is not up to date: run `cargo dev docs`");
    }

    #[test]
    fn codes_have_the_names_that_grpc_gives_them() {
        assert_eq!(name(tonic::Code::NotFound), "NOT_FOUND");
        assert_eq!(name(tonic::Code::Internal), "INTERNAL");
    }
}
