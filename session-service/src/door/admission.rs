//! How many requests are let in at once: those that are worked on, and those that only
//! wait for a run. What is beyond is refused at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use storage::UserId;

use crate::{
    Error,
    metrics::{By, refused},
};

/// How many requests at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub in_all: u32,
    pub of_a_user: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Worked,
    Waiting,
}

/// Counts the requests that are let in.
#[derive(Clone, Debug)]
pub struct Admission {
    worked: Bounds,
    waiting: Bounds,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    in_all: Count,
    of_users: HashMap<UserId, Count>,
}

#[derive(Debug, Default)]
struct Count {
    worked: u32,
    waiting: u32,
}

impl Count {
    fn of(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::Worked => &mut self.worked,
            Kind::Waiting => &mut self.waiting,
        }
    }
}

impl Admission {
    /// `worked` bounds the requests that are worked on, `waiting` those that wait for
    /// a run or watch one.
    pub fn new(worked: Bounds, waiting: Bounds) -> Self {
        Self { worked, waiting, counts: Arc::default() }
    }

    pub(super) fn enter(&self, user_id: UserId, kind: Kind) -> Result<Place, Error> {
        let bounds = match kind {
            Kind::Worked => self.worked,
            Kind::Waiting => self.waiting,
        };
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if bounds.in_all <= *counts.in_all.of(kind) {
            refused(By::Places);
            return Err(Error::Overloaded);
        }
        let of_user = counts.of_users.entry(user_id).or_default().of(kind);
        if bounds.of_a_user <= *of_user {
            refused(By::Places);
            return Err(Error::TooManyRequests { user_id, at_once: bounds.of_a_user });
        }
        *of_user += 1;
        *counts.in_all.of(kind) += 1;
        Ok(Place { admission: self.clone(), user_id, kind })
    }

    fn leave(&self, user_id: UserId, kind: Kind) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.in_all.of(kind) -= 1;
        if let Some(of_user) = counts.of_users.get_mut(&user_id) {
            *of_user.of(kind) -= 1;
            if of_user.worked == 0 && of_user.waiting == 0 {
                counts.of_users.remove(&user_id);
            }
        }
    }
}

/// One request's part of what can go on at once; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    admission: Admission,
    user_id: UserId,
    kind: Kind,
}

impl Place {
    /// The request is not worked on any more: from now on it waits.
    pub(super) fn wait(&mut self) -> Result<(), Error> {
        if self.kind == Kind::Worked {
            *self = self.admission.enter(self.user_id, Kind::Waiting)?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.leave(self.user_id, self.kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: UserId = UserId(1);
    const TWO: UserId = UserId(2);

    fn admission() -> Admission {
        let worked = Bounds { in_all: 3, of_a_user: 2 };
        Admission::new(worked, Bounds { in_all: 1, of_a_user: 1 })
    }

    #[test]
    fn a_user_can_not_take_all_places() {
        let admission = admission();
        let _first = admission.enter(ONE, Kind::Worked).unwrap();
        let second = admission.enter(ONE, Kind::Worked).unwrap();

        let refused = admission.enter(ONE, Kind::Worked);
        assert!(matches!(refused, Err(Error::TooManyRequests { at_once: 2, .. })), "{refused:?}");
        let _other = admission.enter(TWO, Kind::Worked).unwrap();
        assert!(matches!(admission.enter(TWO, Kind::Worked), Err(Error::Overloaded)));

        drop(second);
        admission.enter(TWO, Kind::Worked).unwrap();
    }

    #[test]
    fn one_who_waits_makes_room_and_nobody_is_remembered_for_ever() {
        let admission = admission();
        let mut place = admission.enter(ONE, Kind::Worked).unwrap();
        place.wait().unwrap();
        place.wait().unwrap();
        let mut other = admission.enter(ONE, Kind::Worked).unwrap();
        assert!(matches!(other.wait(), Err(Error::Overloaded)));

        drop((place, other));
        let counts = admission.counts.lock().unwrap();
        assert!(counts.of_users.is_empty());
        assert_eq!((counts.in_all.worked, counts.in_all.waiting), (0, 0));
    }
}
