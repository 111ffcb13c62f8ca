//! Tokens that were found good: what they say, without verifying it again. They are kept with
//! the keys that they were verified with, and forgotten with these.

use std::{
    collections::HashMap,
    fmt, mem,
    sync::{PoisonError, RwLock},
};

use super::rules::Named;

/// After how many those before are old; who is old and does not come meanwhile is forgotten.
const YOUNG: usize = 4096;
/// Longer ones are verified each time.
const MAX_BYTES: usize = 2048;

#[derive(Default)]
pub(super) struct Accepted(RwLock<Tokens>);

#[derive(Default)]
struct Tokens {
    young: HashMap<Box<str>, Named>,
    old: HashMap<Box<str>, Named>,
}

impl Accepted {
    pub(super) fn find(&self, token: &str) -> Option<Named> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(named) = tokens.young.get(token) {
            return Some(*named);
        }
        let named = *tokens.old.get(token)?;
        drop(tokens);
        self.keep(token, named);
        Some(named)
    }

    pub(super) fn keep(&self, token: &str, named: Named) {
        if MAX_BYTES < token.len() {
            return;
        }
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if YOUNG <= tokens.young.len() {
            tokens.old = mem::take(&mut tokens.young);
        }
        tokens.young.insert(token.into(), named);
    }
}

/// Whoever has a token is its user.
impl fmt::Debug for Accepted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Accepted").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use storage::UserId;

    use super::*;
    use crate::auth::Caller;

    fn named(user: i64) -> Named {
        Named { caller: Caller { user_id: UserId(user) }, exp: 0.0 }
    }

    fn user(accepted: &Accepted, token: &str) -> Option<i64> {
        accepted.find(token).map(|it| it.caller.user_id.0)
    }

    #[test]
    fn a_token_is_known_by_all_of_it() {
        let accepted = Accepted::default();
        accepted.keep("a.b.c", named(7));

        assert_eq!(user(&accepted, "a.b.c"), Some(7));
        for other in ["a.b.d", "a.b.", "a.b.cc", "A.b.c", ""] {
            assert_eq!(user(&accepted, other), None, "{other}");
        }
        assert!(!format!("{accepted:?}").contains("a.b.c"));
    }

    #[test]
    fn so_many_are_kept_and_those_that_come_again_before_others() {
        let accepted = Accepted::default();
        accepted.keep("again", named(1));
        accepted.keep("once", named(2));
        for number in 0..2 * YOUNG {
            accepted.keep(&number.to_string(), named(3));
            assert_eq!(user(&accepted, "again"), Some(1), "{number}");
        }

        assert_eq!(user(&accepted, "once"), None);
        let tokens = accepted.0.read().unwrap();
        assert!(tokens.young.len() + tokens.old.len() <= 2 * YOUNG);
    }

    #[test]
    fn a_long_token_is_not_kept() {
        let accepted = Accepted::default();
        let longest = "x".repeat(MAX_BYTES);
        accepted.keep(&longest, named(1));
        accepted.keep(&format!("{longest}x"), named(1));
        assert_eq!(user(&accepted, &longest), Some(1));
        assert_eq!(user(&accepted, &format!("{longest}x")), None);
    }
}
