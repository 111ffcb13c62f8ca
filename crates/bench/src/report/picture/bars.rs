//! Microseconds of CPU a call: a bar for each side of each case, its parts one after the other.

use super::svg::{Anchor, COLOURS, Picture, round_up};
use crate::report::{CaseFigures, Figures};

const WIDTH: f64 = 850.0;
const LEFT: f64 = 280.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 64.0;
const BAR: f64 = 16.0;
const STEP: f64 = 20.0;
/// Between cases.
const GAP: f64 = 12.0;

const NAMES: [&str; 5] = ["service", "worker", "postgres", "nats", "client"];

pub(super) fn draw(cases: &[CaseFigures]) -> String {
    let bars: usize = cases.iter().map(|case| sides(case).count()).sum();
    let height = TOP + STEP * bars as f64 + GAP * cases.len() as f64 + GAP;
    let mut picture = Picture::new(WIDTH, height);
    picture.text(12.0, 24.0, Anchor::Start, "Microseconds of CPU a call, by part");
    picture.legend(12.0, 46.0, &NAMES);
    let mut y = TOP;
    for case in cases {
        // A run takes much more than a look-up: each case has a scale of its own.
        let most = sides(case).map(|(_, figures)| parts(figures).iter().sum()).fold(0.0, f64::max);
        for (side, figures) in sides(case) {
            let name = format!("{}, {side}", name(case, cases));
            picture.text(LEFT - 8.0, y + BAR - 4.0, Anchor::End, &name);
            bar(&mut picture, y, &parts(figures), round_up(most));
            y += STEP;
        }
        y += GAP;
    }
    picture.finish()
}

/// With its callers, if the case is there with several numbers of them.
fn name(case: &CaseFigures, all: &[CaseFigures]) -> String {
    match all.iter().any(|it| it.case == case.case && it.callers != case.callers) {
        true => format!("{}, {} callers", case.case, case.callers),
        false => case.case.clone(),
    }
}

fn sides(case: &CaseFigures) -> impl Iterator<Item = (&'static str, &Figures)> {
    let sides = [("product", &case.product), ("bare", &case.bare)];
    sides.into_iter().filter_map(|(name, figures)| Some((name, figures.as_ref()?)))
}

fn parts(figures: &Figures) -> [f64; 5] {
    let cpu = figures.cpu_us.map(|it| it.median);
    [cpu.service, cpu.worker, cpu.postgres, cpu.nats, cpu.client]
}

fn bar(picture: &mut Picture, y: f64, parts: &[f64; 5], scale: f64) {
    let mut x = LEFT;
    for ((part, colour), name) in parts.iter().zip(COLOURS).zip(NAMES) {
        let width = part / scale * (WIDTH - LEFT - RIGHT);
        picture.rectangle((x, y), (width, BAR), colour, &format!("{name}: {part:.1}"));
        x += width;
    }
    let sum: f64 = parts.iter().sum();
    picture.text(x + 6.0, y + BAR - 4.0, Anchor::Start, &format!("{sum:.0}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cpu::Parts, measured::Spread};

    fn figures(service: f64, postgres: f64) -> Figures {
        let of = |figure| Spread::of([figure]);
        let cpu = Parts { service, postgres, ..Parts::default() };
        let one = of(1.0);
        Figures { rate: one, p50_ms: one, p90_ms: one, p99_ms: one, cpu_us: cpu.map(of) }
    }

    #[test]
    fn a_case_with_several_numbers_of_callers_is_told_by_them() {
        let case = |case: &str, callers| {
            let product = Some(figures(1.0, 1.0));
            CaseFigures { case: case.into(), callers, product, bare: None, echo: None }
        };

        let picture = draw(&[case("get_session", 16), case("list", 4), case("list", 8)]);

        for name in ["get_session, product", "list, 4 callers, product", "list, 8 callers, product"]
        {
            assert!(picture.contains(&format!(">{name}</text>")), "{name} is not in {picture}");
        }
    }

    #[test]
    fn parts_follow_each_other_and_sides_have_one_scale() {
        let (product, bare) = (Some(figures(120.0, 80.0)), Some(figures(0.0, 100.0)));
        let case =
            CaseFigures { case: "get_session".into(), callers: 1, product, bare, echo: None };

        let picture = draw(&[case]);

        // 480 are 200 microseconds.
        for part in [
            "x=\"280.0\" y=\"64.0\" width=\"288.0\"",
            "x=\"568.0\" y=\"64.0\" width=\"192.0\"",
            "x=\"280.0\" y=\"84.0\" width=\"240.0\"",
            ">200</text>",
            ">100</text>",
        ] {
            assert!(picture.contains(part), "{part} is not in {picture}");
        }
    }
}
