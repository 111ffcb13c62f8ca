//! A dependency that fails now and then does not make a process come and go.

/// How many checks in a row have to fail before a dependency counts as away.
const FAILURES: u8 = 3;
/// How many in a row have to succeed before it counts as back.
const SUCCESSES: u8 = 2;

/// Counts as away until it has answered, once.
#[derive(Debug, Default)]
pub(super) struct Hysteresis {
    has_answered: bool,
    is_up: bool,
    /// How many checks in a row said otherwise.
    against: u8,
}

impl Hysteresis {
    /// What a check has found; tells whether the dependency counts as there.
    pub(super) fn note(&mut self, succeeded: bool) -> bool {
        if succeeded == self.is_up {
            self.against = 0;
            return self.is_up;
        }
        self.against += 1;
        let enough = match self {
            Self { is_up: true, .. } => FAILURES,
            Self { has_answered: true, .. } => SUCCESSES,
            Self { has_answered: false, .. } => 1,
        };
        if self.against == enough {
            *self = Self { has_answered: true, is_up: succeeded, against: 0 };
        }
        self.is_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(checks: &[bool]) -> bool {
        let mut hysteresis = Hysteresis::default();
        hysteresis.note(true);
        checks.iter().fold(true, |_, check| hysteresis.note(*check))
    }

    #[test]
    fn nothing_counts_as_there_before_it_has_answered() {
        let mut hysteresis = Hysteresis::default();
        assert!(!hysteresis.note(false));
        assert!(hysteresis.note(true));
    }

    #[test]
    fn it_takes_three_failures_in_a_row_to_count_as_away() {
        assert!(after(&[false, false]));
        assert!(after(&[false, false, true, false, false]));
        assert!(!after(&[false, false, false]));
    }

    #[test]
    fn it_takes_two_successes_in_a_row_to_count_as_back() {
        let away = [false, false, false];
        assert!(!after(&[&away[..], &[true]].concat()));
        assert!(!after(&[&away[..], &[true, false, true]].concat()));
        assert!(after(&[&away[..], &[true, true]].concat()));
    }
}
