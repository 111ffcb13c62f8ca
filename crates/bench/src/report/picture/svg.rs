//! The few elements that the pictures are made of.

use std::fmt::{self, Write as _};

const FONT: &str = "font-family=\"sans-serif\" font-size=\"12\"";

pub(super) const COLOURS: [&str; 5] = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#aa3377"];
pub(super) const GREY: &str = "#bbbbbb";

/// Where a text stands to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Debug)]
pub(super) struct Picture {
    elements: String,
    width: f64,
    height: f64,
}

impl Picture {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { elements: String::new(), width, height }
    }

    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>"
        ));
    }

    /// A line through points, each of them marked.
    pub(super) fn path(&mut self, points: &[(f64, f64)], colour: &str) {
        let text: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let text = text.join(" ");
        self.add(format_args!(
            "<polyline points=\"{text}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        ));
        for (x, y) in points {
            self.add(format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            ));
        }
    }

    /// With a text that is shown to whoever points at it.
    pub(super) fn rectangle(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        colour: &str,
        title: &str,
    ) {
        let title = escaped(title);
        self.add(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"{colour}\"><title>{title}</title></rect>"
        ));
    }

    /// What each colour stands for, in a row.
    pub(super) fn legend(&mut self, x: f64, y: f64, names: &[&str]) {
        const STEP: f64 = 90.0;
        for (place, (name, colour)) in names.iter().zip(COLOURS).enumerate() {
            let x = x + STEP * place as f64;
            self.rectangle((x, y - 10.0), (12.0, 12.0), colour, name);
            self.text(x + 16.0, y, Anchor::Start, name);
        }
    }

    pub(super) fn finish(self) -> String {
        let Self { elements, width, height } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" {FONT}>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n{elements}</svg>\n"
        )
    }

    fn add(&mut self, element: fmt::Arguments<'_>) {
        writeln!(self.elements, "{element}").expect("a string takes everything");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The least of 1, 2, 5, 10, 20, … that is not less.
pub(super) fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| value <= *step).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        for (value, expected) in [(0.0, 1.0), (0.7, 1.0), (1.0, 1.0), (13.0, 20.0), (501.0, 1000.0)]
        {
            assert!((round_up(value) - expected).abs() < 1e-9, "{value}: {}", round_up(value));
        }
    }

    #[test]
    fn a_text_is_never_markup() {
        let mut picture = Picture::new(10.0, 10.0);
        picture.text(0.0, 0.0, Anchor::Start, "a < b & c");

        assert!(picture.finish().contains(">a &lt; b &amp; c</text>"));
    }
}
