//! Rounds of load on several sides in turn, so that what else the machine does in the
//! meantime meets all of them.

use std::time::{Duration, SystemTime};

use anyhow::ensure;

use crate::{
    bare::tasks::Tasks,
    context::Plan,
    cpu::{Pids, Window},
    halted::Halted,
    load::{Callers, closed},
    measured::{Measured, Round},
    pair,
};

/// One of those that are compared.
pub(crate) struct Side {
    pub(crate) callers: Callers,
    /// Whose CPU its calls use.
    pub(crate) pids: Pids,
    /// Who stands still meanwhile: what they do beside calls would count as its own.
    pub(crate) halted: Vec<u32>,
    /// What its calls leave to be done, which is to be forgotten while those stand still.
    tasks: Option<Tasks>,
    pub(crate) measured: Measured,
}

impl Side {
    pub(crate) fn new(callers: Callers, pids: Pids) -> Self {
        Self { callers, pids, halted: Vec::new(), tasks: None, measured: Measured::default() }
    }

    pub(crate) fn without(self, halted: pair::Pids) -> Self {
        Self { halted: vec![halted.service, halted.worker], ..self }
    }

    pub(crate) fn forgetting(self, tasks: Tasks) -> Self {
        Self { tasks: Some(tasks), ..self }
    }

    /// One round, of as much as it can do.
    async fn round(&mut self, length: Duration) -> anyhow::Result<Round> {
        let _halted = Halted::all(&self.halted)?;
        let began = SystemTime::now();
        let window = Window::open(self.pids)?;
        let outcome = closed::run(&mut self.callers, length).await?;
        let cpu = window.close()?;
        if let Some(tasks) = &self.tasks {
            tasks.forget(began).await?;
        }
        let calls = outcome.answered();
        ensure!(0 < calls, "a round was too short for a call");
        Ok(Round { calls, elapsed: outcome.elapsed, latencies: outcome.latencies, cpu })
    }
}

/// Adds the rounds of a plan to what was measured of each side. Every other time in the reverse
/// order, for what one leaves behind meets the next.
pub(crate) async fn in_turn(sides: &mut [&mut Side], plan: Plan) -> anyhow::Result<()> {
    for side in sides.iter_mut() {
        side.round(plan.warm_up).await?;
    }
    for _ in 0..plan.rounds {
        sides.reverse();
        for side in sides.iter_mut() {
            let round = side.round(plan.round).await?;
            side.measured.rounds.push(round);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        process,
        sync::{Arc, Mutex},
    };

    use async_trait::async_trait;

    use super::*;
    use crate::load::Caller;

    /// Writes down whose turn it is.
    struct Writing {
        name: char,
        turns: Arc<Mutex<String>>,
    }

    #[async_trait]
    impl Caller for Writing {
        async fn call(&mut self) -> anyhow::Result<()> {
            self.turns.lock().unwrap().push(self.name);
            Ok(())
        }
    }

    #[tokio::test]
    async fn after_the_warm_up_sides_take_turns_in_alternating_order() {
        let turns = Arc::new(Mutex::new(String::new()));
        let own = process::id();
        let pids = Pids { service: own, worker: own, postgres: own, nats: own };
        let mut sides = ['a', 'b', 'c'].map(|name| {
            Side::new(vec![Box::new(Writing { name, turns: Arc::clone(&turns) })], pids)
        });
        // A round is one call.
        let plan = Plan { warm_up: Duration::ZERO, round: Duration::ZERO, rounds: 3 };

        in_turn(&mut sides.each_mut(), plan).await.unwrap();

        assert_eq!(*turns.lock().unwrap(), "abccbaabccba");
        for side in sides {
            assert_eq!(side.measured.rounds.len(), 3, "without the warm-up");
        }
    }
}
