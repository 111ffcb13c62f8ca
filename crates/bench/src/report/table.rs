//! The results as text.

use std::fmt::Write as _;

use super::{CaseFigures, Curve, Figures, Report, Row};
use crate::measured::Spread;

/// Everything, in one text.
pub(crate) fn table(report: &Report) -> String {
    let mut text = String::new();
    let width = report.about.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, value) in &report.about {
        line(&mut text, format_args!("{name:width$}  {value}"));
    }
    if !report.cases.is_empty() {
        cases(&mut text, &report.cases);
        parts(&mut text, &report.cases);
    }
    for curve in &report.curves {
        over_load(&mut text, curve);
    }
    rows(&mut text, &report.rows);
    for failure in &report.failures {
        line(&mut text, format_args!("FAILED {failure}"));
    }
    text
}

fn cases(text: &mut String, cases: &[CaseFigures]) {
    line(text, format_args!("\nCalls a second and milliseconds: median (min-max) of the rounds"));
    line(
        text,
        format_args!(
            "{:<26}{:>8}  {:<8}{:>20}{:>30}{:>32}",
            "case", "callers", "side", "calls/s", "p50", "p99"
        ),
    );
    for (case, side, figures) in sides(cases) {
        let Figures { rate, p50_ms, p99_ms, .. } = figures;
        let [rate, p50, p99] = [spread(rate, 0), spread(p50_ms, 3), spread(p99_ms, 3)];
        let (name, callers) = (&case.case, case.callers);
        line(text, format_args!("{name:<26}{callers:>8}  {side:<8}{rate:>20}{p50:>30}{p99:>32}"));
    }
}

fn parts(text: &mut String, cases: &[CaseFigures]) {
    line(text, format_args!("\nMicroseconds of CPU a call, by part: median of the rounds"));
    line(
        text,
        format_args!(
            "{:<26}{:<8}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "case", "side", "service", "worker", "postgres", "nats", "client"
        ),
    );
    for (case, side, figures) in sides(cases) {
        let cpu = figures.cpu_us.map(|it| it.median);
        let [service, worker, postgres] = [cpu.service, cpu.worker, cpu.postgres];
        let (name, nats, client) = (&case.case, cpu.nats, cpu.client);
        line(
            text,
            format_args!(
                "{name:<26}{side:<8}{service:>10.1}{worker:>10.1}{postgres:>10.1}{nats:>10.1}{client:>10.1}"
            ),
        );
    }
}

fn sides(cases: &[CaseFigures]) -> impl Iterator<Item = (&CaseFigures, &'static str, &Figures)> {
    cases.iter().flat_map(|case| {
        let sides = [
            ("product", case.product.as_ref()),
            ("bare", case.bare.as_ref()),
            ("echo", case.echo.as_ref()),
        ];
        sides.into_iter().filter_map(move |(side, figures)| Some((case, side, figures?)))
    })
}

fn over_load(text: &mut String, curve: &Curve) {
    line(text, format_args!("\n{}: milliseconds from when a call was due, over load", curve.case));
    line(
        text,
        format_args!(
            "{:>6}{:>12}{:>12}{:>10}{:>24}{:>24}{:>24}",
            "load", "offered/s", "answered/s", "unsent", "p50", "p90", "p99"
        ),
    );
    for point in &curve.points {
        let (load, offered) = (point.load * 100.0, point.offered);
        let (answered, unsent) = (point.rate.median, point.unsent);
        let [p50, p90, p99] = [&point.p50_ms, &point.p90_ms, &point.p99_ms].map(|it| spread(it, 2));
        line(
            text,
            format_args!(
                "{load:>5.0}%{offered:>12.0}{answered:>12.0}{unsent:>10}{p50:>24}{p90:>24}{p99:>24}"
            ),
        );
    }
}

fn rows(text: &mut String, rows: &[Row]) {
    line(text, format_args!("\nFigures and their bounds: less is better"));
    line(text, format_args!("{:<34}{:>28}{:>10}", "figure", "median (min-max)", "at most"));
    for row in rows {
        let figure = row.ratio.map_or_else(|| "not measured".to_owned(), |it| spread(&it, 2));
        let target = row.target.map_or_else(String::new, |it| it.to_string());
        let verdict = match (&row.error, row.target, row.is_ok()) {
            (Some(_), ..) => "FAILED",
            (None, None, _) => "",
            (None, Some(_), true) => "ok",
            (None, Some(_), false) => "MISSED",
        };
        line(text, format_args!("{:<34}{figure:>28}{target:>10}  {verdict}", row.case));
    }
}

fn spread(spread: &Spread, digits: usize) -> String {
    let Spread { median, min, max } = spread;
    format!("{median:.digits$} ({min:.digits$}-{max:.digits$})")
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").expect("a string takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ratio: Option<f64>, target: Option<f64>, expected: &str) {
        let row = Row::new("get_session_cpu", ratio.map(|it| Spread::of([it])), target);

        let table = table(&Report { rows: vec![row], ..Report::default() });

        let last = table.lines().last().unwrap();
        let words: Vec<&str> = last.split_whitespace().collect();
        assert_eq!(words.join(" "), format!("get_session_cpu {expected}"));
    }

    #[test]
    fn each_figure_is_shown_with_its_bound_and_whether_it_keeps_to_it() {
        check(Some(2.0), Some(2.5), "2.00 (2.00-2.00) 2.5 ok");
        check(Some(2.51), Some(2.5), "2.51 (2.51-2.51) 2.5 MISSED");
        check(Some(9.0), None, "9.00 (9.00-9.00)");
        check(None, Some(2.5), "not measured 2.5 MISSED");
    }

    #[test]
    fn what_could_not_be_measured_is_told_with_the_reason() {
        let mut report = Report::default();
        let rows = vec![Row::unmeasured("get_session_cpu", Some(2.5))];
        report.fail("get_session", rows, &anyhow::anyhow!("refused"));

        let table = table(&report);

        let lines: Vec<&str> = table.lines().rev().take(2).collect();
        let words: Vec<&str> = lines[1].split_whitespace().collect();
        assert_eq!(words.join(" "), "get_session_cpu not measured 2.5 FAILED");
        assert_eq!(lines[0], "FAILED get_session: refused");
    }
}
