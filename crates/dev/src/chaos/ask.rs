//! What the load asks: everything about a question follows from the seed and its number.

use std::{ops::Range, time::Duration};

use proto::v1::{self as pb, Concurrency};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use uuid::Uuid;

/// Questions that have an answer. Each carries its number, and has it in its answer.
const ANSWERABLE: [&str; 5] = [
    "SELECT # AS run_#, count(*) FROM penguins",
    "SELECT species, count(*) AS run_# FROM penguins GROUP BY species ORDER BY species",
    "SELECT species, island, body_mass_g, # AS run FROM penguins ORDER BY 1, 2, 3 LIMIT 40",
    "SELECT # AS run_#, count(*) FROM penguins a, penguins b",
    "SELECT # AS run_#, count(*) FROM penguins, penguins b, penguins c WHERE c.body_mass_g > 5700",
];
/// Questions that have none.
const UNANSWERABLE: [&str; 2] =
    ["SELECT no_such_column_# FROM penguins", "DELETE FROM penguins WHERE body_mass_g = #"];
/// Takes about a second, or a few.
const HEAVY: &str = "SELECT # AS run_#, count(*) FROM penguins a, penguins b, penguins c";
/// Takes several times as long.
const LONG: &str = "SELECT # AS run_#, count(*) FROM penguins a, penguins b, penguins c, penguins d
    WHERE d.body_mass_g >= 6000";
/// Its end is committed slowly; see audit.sql.
const SLOW_COMMIT: &str = "SELECT # AS slow_commit_#, count(*) FROM penguins";

/// How many of the questions go to one and the same session.
const HOT: f64 = 0.25;
/// Probes are numbered from here.
const FIRST_PROBE: u64 = 1_000_000;

/// A question that is going to be asked, and what else happens to it.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) number: u64,
    pub(super) user: usize,
    /// Which of the user's sessions; `None`: a new one.
    pub(super) session: Option<usize>,
    pub(super) question: String,
    pub(super) is_answerable: bool,
    pub(super) concurrency: Concurrency,
    pub(super) deadline: Option<Duration>,
    pub(super) request_id: Uuid,
    pub(super) cancel_id: Uuid,
    /// Which service is asked first.
    pub(super) service: usize,
    /// Whether another service is asked the same at the same time.
    pub(super) is_doubled: bool,
    pub(super) cancel_after: Option<Duration>,
    pub(super) is_watched: bool,
}

/// What a fault needs a run for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Probe {
    Light,
    Heavy,
    Long,
    SlowCommit,
}

impl Ask {
    pub(super) fn of_load(seed: u64, number: u64) -> Self {
        let mut random = random(seed, number);
        let is_answerable = random.random_bool(0.9);
        let texts = if is_answerable { &ANSWERABLE[..] } else { &UNANSWERABLE[..] };
        let text = texts.choose(&mut random).copied().unwrap_or_default();
        let concurrency = match random.random_range(0..10) {
            0 => Concurrency::Reject,
            1 => Concurrency::Interrupt,
            _ => Concurrency::Enqueue,
        };
        let is_hot = random.random_bool(HOT);
        let (user, session) = match is_hot {
            true => (0, 0),
            false => (random.random_range(0..usize::MAX), random.random_range(0..usize::MAX)),
        };
        Self {
            number,
            user,
            session: random.random_bool(0.95).then_some(session),
            question: numbered(text, number),
            is_answerable,
            concurrency,
            deadline: milliseconds(&mut random, 0.05, 1_000..3_000),
            cancel_after: milliseconds(&mut random, 0.08, 0..800),
            is_doubled: random.random_bool(0.1),
            is_watched: random.random_bool(0.25),
            service: random.random_range(0..usize::MAX),
            request_id: request_id(&mut random),
            cancel_id: request_id(&mut random),
        }
    }

    /// A question that a fault is aimed at, in a session of its own.
    pub(super) fn of_fault(seed: u64, number: u64, probe: Probe, service: usize) -> Self {
        let number = FIRST_PROBE + number;
        let mut random = random(seed, number);
        let text = match probe {
            Probe::Light => ANSWERABLE[0],
            Probe::Heavy => HEAVY,
            Probe::Long => LONG,
            Probe::SlowCommit => SLOW_COMMIT,
        };
        Self {
            number,
            question: numbered(text, number),
            is_answerable: true,
            concurrency: Concurrency::Enqueue,
            deadline: None,
            cancel_after: None,
            is_doubled: false,
            is_watched: true,
            user: 0,
            session: None,
            service,
            request_id: request_id(&mut random),
            cancel_id: request_id(&mut random),
        }
    }

    pub(super) fn request(&self, agent_id: i64, sessions: &[i64]) -> pb::StartRunRequest {
        let session_id = self.session.map(|index| sessions[index % sessions.len()]);
        let mut request = pb::StartRunRequest {
            agent_id,
            session_id: session_id.unwrap_or_default(),
            question: self.question.clone(),
            deadline: self.deadline.and_then(|it| it.try_into().ok()),
            request_id: self.request_id.to_string(),
            ..Default::default()
        };
        request.set_concurrency(self.concurrency);
        request
    }
}

/// A generator that depends on nothing but the seed and a number.
pub(super) fn random(seed: u64, number: u64) -> StdRng {
    StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number)
}

/// With this chance a duration in the range.
fn milliseconds(random: &mut StdRng, chance: f64, range: Range<u64>) -> Option<Duration> {
    let duration = Duration::from_millis(random.random_range(range));
    random.random_bool(chance).then_some(duration)
}

fn numbered(text: &str, number: u64) -> String {
    text.replace('#', &number.to_string())
}

fn request_id(random: &mut StdRng) -> Uuid {
    uuid::Builder::from_random_bytes(random.random()).into_uuid()
}
