//! The innermost of the door: who is known and may call gets a place, then a turn.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use axum::{extract::Request, response::Response};
use storage::UserId;
use tokio::time;
use tonic::body::Body;

use super::{
    admission::{Admission, Kind, Place},
    answer::Answer,
    receive::{self, Received},
    turns::{Turn, Turns},
};
use crate::{Error, metrics};

/// How long the work on a request may take that waits for nobody but us.
const LONGEST: Duration = Duration::from_secs(60);

tokio::task_local! {
    static SLOT: Slot;
}

/// What a request has of what there is to share. What goes on for a request keeps a copy,
/// also when its caller has left.
#[derive(Clone, Debug)]
pub(crate) struct Slot(Arc<Mutex<Held>>);

#[derive(Debug)]
struct Held {
    place: Place,
    turn: Option<Turn>,
}

impl Slot {
    /// That of the request that this task works on.
    pub(crate) fn current() -> Result<Self, Error> {
        let slot = SLOT.try_with(Self::clone);
        slot.map_err(|_| Error::Internal(anyhow!("a request was let in without a place")))
    }

    /// The request is not worked on any more: from now on it waits, for a run or for a
    /// server of others.
    pub(crate) fn wait(&self) -> Result<(), Error> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.place.wait()?;
        held.turn = None;
        metrics::waits();
        Ok(())
    }

    fn has_turn(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).turn.is_some()
    }

    fn end_turn(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).turn = None;
    }
}

/// Whom to serve, and how.
#[derive(Clone, Debug)]
pub(super) struct Serving {
    pub(super) admission: Admission,
    pub(super) turns: Turns,
    pub(super) max_message_bytes: usize,
    pub(super) patience: Duration,
}

impl Serving {
    /// Has the user's request answered. Its place is kept until the answer is sent, its turn
    /// until it is there.
    pub(super) async fn serve<W>(
        &self,
        request: Request,
        user_id: UserId,
        work: impl FnOnce(http::Request<Received>) -> W,
    ) -> Result<Response<Answer>, Error>
    where
        W: Future<Output = Response<Body>>,
    {
        let place = self.admission.enter(user_id, Kind::Worked)?;
        let is_stream = receive::is_stream(&request);
        let (head, body) = request.into_parts();
        let (body, turn) = if is_stream {
            // How many of these there are is bounded where they are worked on.
            (Received::in_pieces(body, self.patience), None)
        } else {
            let turn = self.turns.of(user_id).await?;
            let body = Received::whole(body, self.max_message_bytes, self.patience).await?;
            (body, Some(turn.among_all().await?))
        };
        let slot = Slot(Arc::new(Mutex::new(Held { place, turn })));
        let answered = SLOT.scope(slot.clone(), work(Request::from_parts(head, body)));
        let response = in_time(&slot, Box::pin(answered)).await?;
        slot.end_turn();
        Ok(response.map(|body| Answer::of(slot, body)))
    }
}

/// Gives up what keeps its turn for too long: whatever it waits for does not come.
async fn in_time<T>(slot: &Slot, answered: impl Future<Output = T>) -> Result<T, Error> {
    let mut answered = pin!(answered);
    match time::timeout(LONGEST, &mut answered).await {
        Ok(response) => Ok(response),
        Err(_) if slot.has_turn() => Err(Error::Overloaded),
        Err(_) => Ok(answered.await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::{Bounds, panics};

    const USER: UserId = UserId(1);

    #[tokio::test]
    async fn a_request_that_panics_gives_its_place_and_its_turn_back() {
        let one = Bounds { in_all: 1, of_a_user: 1 };
        let serving = Serving {
            admission: Admission::new(one, one),
            turns: Turns::new(one),
            max_message_bytes: 0,
            patience: Duration::ZERO,
        };
        let work = async |_| -> Response<Body> { panic!("a bug") };

        let answered = panics::catch(serving.serve(Request::default(), USER, work)).await;

        assert!(matches!(answered, Err(Error::Internal(_))), "{answered:?}");
        serving.admission.enter(USER, Kind::Worked).unwrap();
        serving.turns.of(USER).await.unwrap().among_all().await.unwrap();
    }
}
