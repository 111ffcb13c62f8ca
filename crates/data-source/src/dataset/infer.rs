//! Types from values: a column has the narrowest type that all of its values
//! have, in a form from which nothing is lost.

use std::borrow::Cow;

use chrono::{NaiveDate, NaiveTime};

use crate::schema::Kind;

/// What a column of an imported table can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataType {
    Boolean,
    BigInt,
    Numeric,
    Date,
    Timestamp,
    TimestampTz,
    Text,
}

/// From narrow to wide; text is what remains.
const NARROW: [DataType; 6] = [
    DataType::Boolean,
    DataType::BigInt,
    DataType::Numeric,
    DataType::Date,
    DataType::Timestamp,
    DataType::TimestampTz,
];

/// What a column may still be, after the values so far.
#[derive(Clone, Debug)]
pub(super) struct Inference {
    candidates: Vec<DataType>,
    is_empty: bool,
}

impl Default for Inference {
    fn default() -> Self {
        Self { candidates: NARROW.to_vec(), is_empty: true }
    }
}

impl Inference {
    /// Takes a value into account that is not NULL.
    pub(super) fn observe(&mut self, value: &str) {
        self.is_empty = false;
        self.candidates.retain(|candidate| candidate.fits(value));
    }

    pub(super) fn finish(&self) -> DataType {
        match self.candidates.first() {
            Some(&narrowest) if !self.is_empty => narrowest,
            _ => DataType::Text,
        }
    }
}

impl DataType {
    /// As Postgres prints it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::BigInt => "bigint",
            Self::Numeric => "numeric",
            Self::Date => "date",
            Self::Timestamp => "timestamp without time zone",
            Self::TimestampTz => "timestamp with time zone",
            Self::Text => "text",
        }
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Boolean => Kind::Boolean,
            Self::BigInt | Self::Numeric => Kind::Number,
            Self::Date | Self::Timestamp | Self::TimestampTz => Kind::Time,
            Self::Text => Kind::Text,
        }
    }

    /// A value that fits, as Postgres reads it whatever its settings.
    pub(super) fn to_postgres(self, value: &str) -> Cow<'_, str> {
        match self {
            Self::Date | Self::Timestamp | Self::TimestampTz if value.contains('/') => {
                value.replace('/', "-").into()
            }
            _ => value.into(),
        }
    }

    fn fits(self, value: &str) -> bool {
        match self {
            Self::Boolean => {
                value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
            }
            Self::BigInt => is_integer(value) && value.parse::<i64>().is_ok(),
            Self::Numeric => is_numeric(value),
            Self::Date => is_date(value),
            Self::Timestamp => is_timestamp(value),
            Self::TimestampTz => without_offset(value).is_some_and(is_timestamp),
            Self::Text => true,
        }
    }
}

/// No plus sign and no leading zeros: `007` is a code, not a number.
fn is_integer(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    is_digits(digits) && (digits == "0" || !digits.starts_with('0'))
}

fn is_numeric(value: &str) -> bool {
    // Postgres' limits are far beyond, but must not be met.
    const MAX_LEN: usize = 1_000;
    const MAX_EXPONENT: u32 = 1_000;

    let (mantissa, exponent) = match value.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (value, None),
    };
    let is_mantissa = match mantissa.split_once('.') {
        Some(("" | "-", fraction)) => is_digits(fraction),
        Some((whole, fraction)) => is_integer(whole) && is_digits(fraction),
        None => is_integer(mantissa),
    };
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        is_digits(digits) && digits.parse::<u32>().is_ok_and(|it| it <= MAX_EXPONENT)
    });
    value.len() <= MAX_LEN && is_mantissa && is_exponent
}

/// `YYYY-MM-DD` or `YYYY/MM/DD`, of a day that there was or will be.
fn is_date(value: &str) -> bool {
    let &[y1, y2, y3, y4, first, m1, m2, second, d1, d2] = value.as_bytes() else { return false };
    if first != second || !matches!(first, b'-' | b'/') {
        return false;
    }
    let number = |digits: &[u8]| -> Option<u32> {
        let digit = |&byte: &u8| char::from(byte).to_digit(10);
        digits.iter().map(digit).try_fold(0, |number, digit| Some(number * 10 + digit?))
    };
    let (Some(year), Some(month), Some(day)) =
        (number(&[y1, y2, y3, y4]), number(&[m1, m2]), number(&[d1, d2]))
    else {
        return false;
    };
    // Postgres has no year 0.
    year > 0 && NaiveDate::from_ymd_opt(year.cast_signed(), month, day).is_some()
}

fn is_timestamp(value: &str) -> bool {
    let Some((date, rest)) = value.split_at_checked(10) else { return false };
    let Some(time) = rest.strip_prefix(['T', ' ']) else { return false };
    is_date(date) && is_time(time)
}

/// `HH:MM`, `HH:MM:SS` or `HH:MM:SS.fraction`, to the microsecond.
fn is_time(value: &str) -> bool {
    const MICROSECONDS: usize = 6;

    let (whole, fraction) = match value.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (value, None),
    };
    let mut parts = whole.split(':').map(two_digits);
    let (Some(Some(hour)), Some(Some(minute))) = (parts.next(), parts.next()) else {
        return false;
    };
    let second = match (parts.next(), fraction) {
        (None, None) => Some(0),
        (Some(second), _) => second,
        (None, Some(_)) => None,
    };
    let is_kept = fraction.is_none_or(|fraction| {
        let lost = fraction.get(MICROSECONDS..).unwrap_or_default();
        is_digits(fraction) && fraction.len() <= 9 && lost.bytes().all(|byte| byte == b'0')
    });
    let is_over = parts.next().is_none();
    is_over
        && is_kept
        && second.is_some_and(|second| NaiveTime::from_hms_opt(hour, minute, second).is_some())
}

/// Cuts off `Z`, `±HH`, `±HHMM` or `±HH:MM`.
fn without_offset(value: &str) -> Option<&str> {
    // As far as Postgres goes.
    const MAX_HOURS: u32 = 15;

    if let Some(timestamp) = value.strip_suffix('Z') {
        return Some(timestamp);
    }
    // A date's own dashes end before the eleventh byte.
    let sign = value.rfind(['+', '-']).filter(|&sign| sign > 10)?;
    let (hours, minutes) = match &value.as_bytes()[sign + 1..] {
        [_, _] => (&value[sign + 1..], "00"),
        [_, _, b':', _, _] => value[sign + 1..].split_once(':')?,
        [_, _, _, _] => value[sign + 1..].split_at_checked(2)?,
        _ => return None,
    };
    let is_offset = two_digits(hours)? <= MAX_HOURS && two_digits(minutes)? < 60;
    is_offset.then_some(&value[..sign])
}

fn two_digits(text: &str) -> Option<u32> {
    (text.len() == 2 && is_digits(text)).then(|| text.parse().ok())?
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], expected: DataType) {
        let mut inference = Inference::default();
        values.iter().for_each(|value| inference.observe(value));
        assert_eq!(inference.finish(), expected, "{values:?}");
    }

    #[track_caller]
    fn check_text(values: &[&str]) {
        values.iter().for_each(|value| check(&[value], DataType::Text));
    }

    #[test]
    fn a_column_has_the_narrowest_type_of_all_its_values() {
        check(&["true", "FALSE", "True"], DataType::Boolean);
        check(&["1", "-2", "0"], DataType::BigInt);
        check(&["9223372036854775807", "-9223372036854775808"], DataType::BigInt);
        check(&["1", "9223372036854775808"], DataType::Numeric);
        check(&["1", "2.50", "-0.1", ".5", "1e3", "6.02E+23"], DataType::Numeric);
        check(&["2024-02-29", "1999/12/31"], DataType::Date);
        check(&["2024-02-29T12:30", "2024-02-29 12:30:59.123456"], DataType::Timestamp);
        check(&["2024-02-29T12:30:00.123456000"], DataType::Timestamp);
        check(&["2024-02-29T12:30Z", "2024-02-29 12:30:00+01:00"], DataType::TimestampTz);
        check(&["2024/02/29 12:30:00.5-0330", "2024-02-29T12:30:00+05"], DataType::TimestampTz);
    }

    #[test]
    fn values_that_do_not_agree_are_text() {
        check(&["true", "1"], DataType::Text);
        check(&["2024-02-29", "20240229"], DataType::Text);
        check(&["2024-02-29", "2024-02-29T12:30"], DataType::Text);
        check(&["2024-02-29T12:30", "2024-02-29T12:30Z"], DataType::Text);
        check(&["1", ""], DataType::Text);
    }

    #[test]
    fn a_column_without_values_is_text() {
        check(&[], DataType::Text);
    }

    #[test]
    fn what_would_lose_something_as_a_number_is_text() {
        check_text(&[
            "007", "+1", "-", "1.", ".", "-.", "1,5", "1 000", "0x1f", "00.5", "1e", "e5",
        ]);
        check_text(&["NaN", "Infinity", "-inf", "1e1001", "1e99999999999", " 1", "1 ", "", "٣"]);
        check_text(&[&"9".repeat(1_001)]);
    }

    #[test]
    fn what_no_calendar_or_clock_has_is_text() {
        check_text(&["2023-02-29", "2024-13-01", "0000-01-01", "2024-1-1", "2024-01/01"]);
        check_text(&["29.02.2024", "2024-02-29 24:00", "2024-02-29 12:60", "2024-02-29 12:00:60"]);
        check_text(&["2024-02-29T", "2024-02-29T12", "2024-02-29t12:00", "2024-02-29 1:00"]);
        check_text(&["2024-02-29 12:00:00.", "2024-02-29 12:00:00.1234567", "2024-02-29 12:00.5"]);
        check_text(&["2024-02-29 12:00:00+16", "2024-02-29 12:00:00+1", "2024-02-29 12:00+01:60"]);
        check_text(&["2024-02-29Z", "2024-02-29+01:00", "12:00", "2024-02-29 12:00 UTC"]);
        check_text(&["2024-02-2é", "2024-02-29 12:00+é1", "2024-02-29é12:00"]);
    }

    #[test]
    fn dates_are_sent_with_dashes_and_text_as_it_is() {
        assert_eq!(DataType::Date.to_postgres("2024/02/29"), "2024-02-29");
        assert_eq!(DataType::Timestamp.to_postgres("2024/02/29 12:30"), "2024-02-29 12:30");
        assert_eq!(DataType::Text.to_postgres("a/b"), "a/b");
    }
}
