//! Latency over load, by percentile.

use super::svg::{Anchor, COLOURS, GREY, Picture, round_up};
use crate::report::{Curve, Point};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 60.0;
const BOTTOM: f64 = 50.0;
const STEPS: u32 = 5;

const NAMES: [&str; 3] = ["p50", "p90", "p99"];

/// From the values to the places in the picture.
struct Scale {
    most_calls: f64,
    most_ms: f64,
}

impl Scale {
    fn of(curve: &Curve) -> Self {
        let most = |of: fn(&Point) -> f64| curve.points.iter().map(of).fold(0.0, f64::max);
        Self {
            most_calls: round_up(most(|it| it.offered)),
            most_ms: round_up(most(|it| it.p99_ms.median)),
        }
    }

    fn x(&self, calls: f64) -> f64 {
        LEFT + calls / self.most_calls * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, ms: f64) -> f64 {
        HEIGHT - BOTTOM - ms / self.most_ms * (HEIGHT - TOP - BOTTOM)
    }
}

pub(super) fn draw(curve: &Curve) -> String {
    let mut picture = Picture::new(WIDTH, HEIGHT);
    let scale = Scale::of(curve);
    picture.text(LEFT, 24.0, Anchor::Start, &format!("{}: latency over load", curve.case));
    picture.legend(LEFT, 46.0, &NAMES);
    grid(&mut picture, &scale);
    let percentiles: [fn(&Point) -> f64; 3] =
        [|it| it.p50_ms.median, |it| it.p90_ms.median, |it| it.p99_ms.median];
    for (percentile, colour) in percentiles.into_iter().zip(COLOURS) {
        let points = curve.points.iter();
        let points: Vec<_> =
            points.map(|it| (scale.x(it.offered), scale.y(percentile(it)))).collect();
        picture.path(&points, colour);
    }
    picture.finish()
}

fn grid(picture: &mut Picture, scale: &Scale) {
    for step in 0..=STEPS {
        let part = f64::from(step) / f64::from(STEPS);
        let (ms, calls) = (scale.most_ms * part, scale.most_calls * part);
        let (x, y) = (scale.x(calls), scale.y(ms));
        picture.line((LEFT, y), (WIDTH - RIGHT, y), GREY);
        picture.text(LEFT - 6.0, y + 4.0, Anchor::End, &format!("{ms} ms"));
        picture.text(x, HEIGHT - BOTTOM + 18.0, Anchor::Middle, &format!("{calls}"));
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    picture.text(middle, HEIGHT - 12.0, Anchor::Middle, "calls a second that were due");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::Spread;

    #[test]
    fn each_percentile_is_a_line_that_rises_with_its_latency() {
        let point = |offered: f64, ms: f64| {
            let of = |ms| Spread::of([ms]);
            let (p50_ms, p90_ms, p99_ms) = (of(ms), of(2.0 * ms), of(10.0 * ms));
            Point { load: 0.5, offered, rate: of(offered), unsent: 0, p50_ms, p90_ms, p99_ms }
        };
        let points = vec![point(50.0, 0.5), point(100.0, 1.0)];

        let picture = draw(&Curve { case: "get_session".to_owned(), points });

        // To the right by half of the width, and up by a tenth of the height, its half, its all.
        for line in ["345.0,335.5 620.0,321.0", "345.0,321.0 620.0,292.0", "345.0,205.0 620.0,60.0"]
        {
            assert!(picture.contains(line), "{line} is not in {picture}");
        }
    }
}
