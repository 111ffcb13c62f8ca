//! The documents that are made from the code: the catalogue of errors, and the reference
//! of the API.

mod api;
mod comments;
mod links;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, ensure};

use crate::{environment, folders};

/// Makes them anew.
pub(crate) fn write() -> anyhow::Result<()> {
    let errors = errors()?;
    save("errors.md", &errors)?;
    save("api.md", &api::document(&errors)?)
}

/// Asks the service for its catalogue, which it alone knows.
fn errors() -> anyhow::Result<String> {
    let cargo = environment::variable("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--package", "session-service", "--example", "errors"])
        .current_dir(folders::workspace())
        .output()
        .context("cargo")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the catalogue can't be had: {complaint}");
    Ok(String::from_utf8(output.stdout)?)
}

fn path(name: &str) -> PathBuf {
    folders::workspace().join("docs").join(name)
}

fn save(name: &str, text: &str) -> anyhow::Result<()> {
    let path = path(name);
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> String {
        fs::read_to_string(path(name)).unwrap()
    }

    #[test]
    fn the_reference_that_is_read_is_the_one_of_the_protos() {
        let document = api::document(&read("errors.md")).unwrap();

        assert!(document == read("api.md"), "docs/api.md is not up to date: run `cargo dev docs`");
    }

    #[test]
    fn every_link_of_the_reference_leads_somewhere() {
        let document = read("api.md");
        let anchors: Vec<String> = document.lines().filter_map(anchor).collect();
        let targets = document.split("](#").skip(1).filter_map(|it| it.split_once(')'));
        let lost: Vec<&str> =
            targets.map(|(it, _)| it).filter(|it| !anchors.iter().any(|is| is == it)).collect();

        assert_eq!(lost, Vec::<&str>::new());
        let mut distinct = anchors.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), anchors.len(), "two headings have the same anchor");
    }

    #[test]
    fn every_message_that_several_calls_share_is_explained() {
        let document = read("api.md");
        let (_, messages) = document.split_once("\n## Messages\n").unwrap();
        let (messages, _) = messages.split_once("\n## Enums\n").unwrap();
        let sections = messages.split("\n### ").skip(1);
        let bare: Vec<&str> = sections
            .filter_map(|section| section.split_once("\n\n"))
            .filter(|(_, text)| text.starts_with('|') || text.starts_with("No fields."))
            .map(|(name, _)| name)
            .collect();

        assert_eq!(bare, Vec::<&str>::new());
    }

    /// Where a heading can be linked to.
    fn anchor(line: &str) -> Option<String> {
        let heading = line.strip_prefix('#')?.trim_start_matches('#').trim();
        Some(heading.to_lowercase().replace(' ', "-"))
    }
}
