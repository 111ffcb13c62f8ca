//! The results as pictures, in SVG: latency over load, and whose CPU a call takes.

mod bars;
mod curves;
mod svg;

use std::{fs, path::Path};

use anyhow::Context as _;

use super::Report;

/// Makes the folder that they are drawn in, and looks whether that can be done.
pub(super) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let probe = folder.join(".bench");
    let probed = fs::write(&probe, "").and_then(|()| fs::remove_file(&probe));
    probed.with_context(|| folder.display().to_string())
}

/// Draws them in a folder.
pub(super) fn draw(report: &Report, folder: &Path) -> anyhow::Result<()> {
    let write = |name: &str, picture: String| {
        let file = folder.join(name);
        fs::write(&file, picture).with_context(|| file.display().to_string())
    };
    for curve in &report.curves {
        write(&format!("latency_{}.svg", curve.case), curves::draw(curve))?;
    }
    if !report.cases.is_empty() {
        write("cpu.svg", bars::draw(&report.cases))?;
    }
    Ok(())
}
