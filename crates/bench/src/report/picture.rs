//! The results as pictures, in SVG: latency over load, and whose CPU a call takes.

mod bars;
mod curves;
mod svg;

use std::{fs, path::Path};

use anyhow::Context as _;

use super::Report;

/// Draws them in a folder, which is made if there is none.
pub(crate) fn draw(report: &Report, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
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
