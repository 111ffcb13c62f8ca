//! Clients of every kind, all at once, for a while.

use std::{sync::Arc, time::Duration};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::{task::JoinSet, time::Instant};

use super::{Report, Target, api::Api, exchange, raw, report::Notes, unfinished, web};

/// How many clients there are at once.
const LANES: u64 = 8;

struct Attack {
    targets: Vec<Target>,
    api: Api,
    notes: Notes,
    until: Instant,
}

/// Sends what follows from `seed` for so long. The last of the targets gets what is not sent to
/// its end.
pub async fn attack(targets: &[Target], seed: u64, duration: Duration) -> anyhow::Result<Report> {
    let attack = Arc::new(Attack {
        targets: targets.to_vec(),
        api: Api::load()?,
        notes: Notes::default(),
        until: Instant::now() + duration,
    });
    let random = |lane| StdRng::seed_from_u64(seed.wrapping_mul(LANES + 1).wrapping_add(lane));
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        lanes.spawn(Arc::clone(&attack).lane(lane as usize, random(lane)));
    }
    lanes.spawn(Arc::clone(&attack).keep_open(random(LANES)));
    lanes.join_all().await;
    Ok(attack.notes.take())
}

impl Attack {
    async fn lane(self: Arc<Self>, lane: usize, mut random: StdRng) {
        let Self { targets, api, notes, until } = &*self;
        let target = &targets[lane % (targets.len() - 1).max(1)];
        let mut kept = None;
        while Instant::now() < *until {
            match random.random_range(0..10) {
                0..6 => {
                    for outcome in exchange::some(target, api, &mut random, &mut kept).await {
                        notes.add(outcome);
                    }
                }
                6..8 => notes.add(web::send(target, api, &mut random).await),
                _ => notes.add(raw::send(target, api, &mut random).await),
            }
        }
    }

    async fn keep_open(self: Arc<Self>, mut random: StdRng) {
        let Self { targets, api, notes, until } = &*self;
        let target = &targets[targets.len() - 1];
        unfinished::keep_open(target, api, &mut random, notes, *until).await;
    }
}
