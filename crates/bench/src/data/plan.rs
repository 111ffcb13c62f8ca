//! Who has which conversations, and how long they are.

/// How much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A tenth of the users and their data. The longest conversation is as long.
    Quick,
    /// 200 users, 20,000 sessions, 1,000,000 messages.
    One,
}

pub(super) const SESSIONS_OF_A_USER: i64 = 100;

/// The longest conversation. At 20 a page, the last page is page 2,500.
const LONGEST: i64 = 50_000;
/// How many each user has on average, beside the longest conversation.
const MESSAGES_OF_A_USER: i64 = 4750;

/// How much the length of conversations differs: with 1 the second longest is half as long as the
/// longest, with 0 they are all the same.
const SKEW: f64 = 0.6;
/// How many of the longest are about the same.
const HEAD: f64 = 20.0;

/// How many messages each session has, in the order of their ids: all of the first user's, all of
/// the next one's. Even numbers, for a question and its answer belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) messages: Vec<i64>,
}

impl Scale {
    fn users(self) -> i64 {
        match self {
            Self::Quick => 20,
            Self::One => 200,
        }
    }

    fn sessions(self) -> i64 {
        self.users() * SESSIONS_OF_A_USER
    }
}

impl Plan {
    /// The first session is the long one.
    pub(super) fn of(scale: Scale) -> Self {
        let mut messages = vec![LONGEST];
        messages.extend(skewed(scale.sessions() - 1, scale.users() * MESSAGES_OF_A_USER));
        spread(&mut messages[1..]);
        Self { messages }
    }

    /// What makes ten times as many users of a scale, with as much each.
    pub(super) fn nine_times_more(scale: Scale) -> Self {
        let sum = 9 * scale.users() * MESSAGES_OF_A_USER;
        let mut messages = skewed(9 * scale.sessions(), sum);
        spread(&mut messages);
        Self { messages }
    }

    pub(super) fn users(&self) -> i64 {
        self.messages.len() as i64 / SESSIONS_OF_A_USER
    }
}

/// Even sizes of at least 2 with that sum, the largest first.
fn skewed(count: i64, sum: i64) -> Vec<i64> {
    let weights: Vec<f64> = (0..count).map(|rank| (rank as f64 + HEAD).powf(-SKEW)).collect();
    let all: f64 = weights.iter().sum();
    let spare = (sum / 2 - count) as f64;
    let mut sizes: Vec<i64> =
        weights.iter().map(|weight| 2 + 2 * (spare * weight / all) as i64).collect();
    let missing = (sum - sizes.iter().sum::<i64>()) / 2;
    let places = sizes.len();
    for place in 0..usize::try_from(missing).expect("sizes are rounded down") {
        sizes[place % places] += 2;
    }
    sizes
}

/// Gives every user long ones and short ones: without it the first would have all long ones.
fn spread(sizes: &mut [i64]) {
    let count = sizes.len();
    let sorted = sizes.to_vec();
    let step = coprime_step(count);
    for (rank, size) in sorted.into_iter().enumerate() {
        sizes[(rank * step) % count] = size;
    }
}

/// A step that reaches every place before it comes back to the first.
fn coprime_step(count: usize) -> usize {
    let about = (count as f64 * 0.618) as usize;
    (about.max(1)..).find(|step| gcd(*step, count) == 1).expect("there is one below twice as much")
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(plan: &Plan) -> i64 {
        plan.messages.iter().sum()
    }

    #[test]
    fn there_are_as_many_of_each_as_the_scale_says() {
        for (scale, users, sessions, messages) in
            [(Scale::Quick, 20, 2000, 145_000), (Scale::One, 200, 20_000, 1_000_000)]
        {
            let plan = Plan::of(scale);

            assert_eq!(plan.users(), users);
            assert_eq!(plan.messages.len(), sessions);
            assert_eq!(total(&plan), messages);
            assert_eq!(plan.messages[0], 50_000);
        }
    }

    #[test]
    fn ten_times_as_many_have_as_much_each() {
        let (one, more) = (Plan::of(Scale::One), Plan::nine_times_more(Scale::One));

        assert_eq!(more.users(), 9 * one.users());
        assert_eq!(more.messages.len(), 9 * one.messages.len());
        assert_eq!(total(&more), 9 * (total(&one) - 50_000));
    }

    #[test]
    fn every_conversation_is_of_whole_turns() {
        let plan = Plan::of(Scale::One);

        assert!(plan.messages.iter().all(|it| 2 <= *it && it % 2 == 0));
    }

    #[test]
    fn most_conversations_are_short_and_some_are_long() {
        let mut messages = Plan::of(Scale::One).messages[1..].to_vec();
        messages.sort_unstable();

        let median = messages[messages.len() / 2];
        let most = messages[messages.len() - 1];
        assert!((10..40).contains(&median), "{median}");
        assert!(20 * median < most, "{most}");
    }

    #[test]
    fn no_user_has_much_more_to_list_than_another() {
        let plan = Plan::of(Scale::One);
        let of_users = plan.messages.chunks(SESSIONS_OF_A_USER as usize);

        let sums: Vec<i64> = of_users.skip(1).map(|sizes| sizes.iter().sum()).collect();

        let (least, most) = (sums.iter().min().unwrap(), sums.iter().max().unwrap());
        assert!(*most < 2 * least, "{least} to {most}");
    }
}
