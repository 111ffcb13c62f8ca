//! Points in time and durations, between the wire and the database.

use std::{ops::Range, time::Duration};

use chrono::{DateTime, Utc};
use prost_types::Timestamp;

use super::fields::Fields;

/// Nanoseconds.
const MICRO: u32 = 1_000;
const SECOND: u32 = 1_000_000_000;
/// The seconds of years 1 to 9999: what google.protobuf.Timestamp allows, and the
/// database can hold.
pub(super) const SECONDS: Range<i64> = -62_135_596_800..253_402_300_800;

pub(super) fn to_timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        // Below 2 000 000 000 by chrono's definition.
        nanos: time.timestamp_subsec_nanos().cast_signed(),
    }
}

/// To which side a time between two microseconds, of which the database keeps
/// whole ones, is moved.
#[derive(Clone, Copy)]
pub(super) enum Round {
    Down,
    Up,
}

impl Fields {
    pub(super) fn time(
        &mut self,
        field: &'static str,
        value: Option<Timestamp>,
        round: Round,
    ) -> Option<DateTime<Utc>> {
        let value = value?;
        let Some(nanos) = u32::try_from(value.nanos).ok().filter(|it| *it < SECOND) else {
            self.refuse(field, "nanos must be 0 to 999,999,999");
            return None;
        };
        let time = DateTime::from_timestamp(value.seconds, nanos)
            .filter(|time| SECONDS.contains(&time.timestamp()));
        let Some(time) = time else {
            self.refuse(field, "is no point in time from year 1 to 9999");
            return None;
        };
        let past = time.timestamp_subsec_nanos() % MICRO;
        let step = match round {
            _ if past == 0 => 0,
            Round::Down => -i64::from(past),
            Round::Up => i64::from(MICRO - past),
        };
        time.checked_add_signed(chrono::Duration::nanoseconds(step))
    }

    /// A time to wait, never more than `max`.
    pub(super) fn wait(
        &mut self,
        field: &'static str,
        value: Option<prost_types::Duration>,
        default: Duration,
        max: Duration,
    ) -> Duration {
        let Some(value) = value else { return default };
        match (u64::try_from(value.seconds), u32::try_from(value.nanos)) {
            (Ok(seconds), Ok(nanos)) => Duration::new(seconds, nanos).min(max),
            _ => {
                self.refuse(field, "must not be negative");
                default
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64, nanos: i32, round: Round) -> Option<Timestamp> {
        let mut fields = Fields::default();
        let time = fields.time("created_after", Some(Timestamp { seconds, nanos }), round);
        fields.check().ok()?;
        time.map(to_timestamp)
    }

    #[test]
    fn whole_microseconds_are_kept_and_others_rounded_as_asked() {
        let at = |nanos| Some(Timestamp { seconds: 7, nanos });
        assert_eq!(time(7, 123_456_000, Round::Down), at(123_456_000));
        assert_eq!(time(7, 123_456_000, Round::Up), at(123_456_000));
        assert_eq!(time(7, 123_456_001, Round::Down), at(123_456_000));
        assert_eq!(time(7, 123_456_001, Round::Up), at(123_457_000));
    }

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        let problem = |seconds, nanos| {
            let mut fields = Fields::default();
            fields.time("created_after", Some(Timestamp { seconds, nanos }), Round::Up);
            fields.check().unwrap_err().to_string()
        };
        for nanos in [-1, 1_000_000_000] {
            assert_eq!(problem(0, nanos), "created_after: nanos must be 0 to 999,999,999");
        }
        for seconds in [i64::MAX, -62_135_596_801] {
            let expected = "created_after: is no point in time from year 1 to 9999";
            assert_eq!(problem(seconds, 0), expected);
        }
    }

    #[test]
    fn a_wait_is_never_negative_and_never_too_long() {
        let wait = |seconds, nanos| {
            let mut fields = Fields::default();
            let value = Some(prost_types::Duration { seconds, nanos });
            let wait = fields.wait("wait", value, Duration::ZERO, Duration::from_secs(300));
            fields.check().ok().map(|()| wait)
        };
        assert_eq!(wait(0, 0), Some(Duration::ZERO));
        assert_eq!(wait(1, 500_000_000), Some(Duration::from_millis(1_500)));
        assert_eq!(wait(i64::MAX, i32::MAX), Some(Duration::from_secs(300)));
        for (seconds, nanos) in [(-1, 0), (0, -1), (1, -1), (i64::MIN, i32::MIN)] {
            assert_eq!(wait(seconds, nanos), None);
        }
    }
}
