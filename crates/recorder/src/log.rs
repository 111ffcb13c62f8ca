use std::{
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use crate::{Execution, Trip};

/// What all connections of a recorder have noted.
#[derive(Debug, Default)]
pub(crate) struct Log {
    last_number: AtomicU64,
    last_connection: AtomicU64,
    noted: Mutex<Noted>,
    /// How many round trips have no answer yet.
    open: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Noted {
    executions: Vec<Execution>,
    trips: Vec<Trip>,
}

impl Log {
    pub(crate) fn next_connection(&self) -> u64 {
        self.last_connection.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Numbers round trips and executions in order of their beginning.
    pub(crate) fn next_number(&self) -> u64 {
        self.last_number.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn begin_trip(&self) -> u64 {
        self.open.send_modify(|open| *open += 1);
        self.next_number()
    }

    pub(crate) fn end_trip(&self, trip: Trip, executions: Vec<Execution>) {
        let mut noted = self.noted();
        noted.trips.push(trip);
        noted.executions.extend(executions);
        drop(noted);
        self.open.send_modify(|open| *open -= 1);
    }

    pub(crate) fn take_executions(&self) -> Vec<Execution> {
        let mut executions = mem::take(&mut self.noted().executions);
        executions.sort_by_key(|it| it.order);
        executions
    }

    pub(crate) fn take_trips(&self) -> Vec<Trip> {
        let mut trips = mem::take(&mut self.noted().trips);
        trips.sort_by_key(|it| it.number);
        trips
    }

    pub(crate) async fn settled(&self) {
        let settled = self.open.subscribe().wait_for(|open| *open == 0).await.map(|_| ());
        settled.expect("the sender is this log's");
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
