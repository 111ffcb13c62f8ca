//! Whom and what a call is about: some users and some conversations much more than others.

use rand::{Rng as _, rngs::StdRng};

use super::Subject;
use crate::data::{Data, Long, Session, User};

/// Half of all calls go to an eighth of what there is.
const SKEW: i32 = 3;

pub(crate) fn user<'a>(data: &'a Data, random: &mut StdRng) -> &'a User {
    &data.users[skewed(random, data.users.len())]
}

pub(crate) fn session(data: &Data, random: &mut StdRng) -> Subject {
    session_with(data, random, 0)
}

/// A session that has so many messages at least.
pub(crate) fn session_with(data: &Data, random: &mut StdRng, messages: i64) -> Subject {
    loop {
        let user = user(data, random);
        let found: Option<&Session> = user.sessions.get(skewed(random, user.sessions.len()));
        if let Some(session) = found.filter(|it| messages <= it.messages) {
            return Subject { session_id: session.id, ..of(user) };
        }
    }
}

/// What concerns a user as a whole.
pub(crate) fn of(user: &User) -> Subject {
    Subject { user_id: user.id, agent_id: user.agent_id, ..Subject::default() }
}

pub(crate) fn longest(data: &Data) -> Subject {
    let Long { user_id, session } = data.long;
    Subject { user_id, session_id: session.id, ..Subject::default() }
}

fn skewed(random: &mut StdRng, count: usize) -> usize {
    let place = random.random::<f64>().powi(SKEW);
    (place * count as f64) as usize
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn half_of_what_is_chosen_is_among_the_first_eighth() {
        let mut random = StdRng::seed_from_u64(1);

        let chosen = (0..10_000).map(|_| skewed(&mut random, 800));
        let of_first = chosen.filter(|&it| it < 100).count();

        assert!((4_700..5_300).contains(&of_first), "{of_first}");
    }

    #[test]
    fn everything_may_be_chosen() {
        let mut random = StdRng::seed_from_u64(1);

        let mut is_chosen = [false; 8];
        (0..1_000).for_each(|_| is_chosen[skewed(&mut random, 8)] = true);

        assert_eq!(is_chosen, [true; 8]);
    }
}
