//! The innermost of the door: who is known and may call gets a place, then a turn.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::anyhow;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time;
use tonic::Status;

use super::{
    admission::{Admission, Kind, Place},
    receive,
    turns::{Turn, Turns},
};
use crate::{Error, auth::Caller, held::hold, metrics};

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

pub(super) async fn serve(
    State(serving): State<Serving>,
    request: Request,
    next: Next,
) -> Response {
    serving.serve(request, next).await.unwrap_or_else(|error| Status::from(error).into_http())
}

impl Serving {
    /// The place is kept until the answer is sent, the turn until it is there.
    async fn serve(&self, request: Request, next: Next) -> Result<Response, Error> {
        let caller = request.extensions().get::<Caller>().ok_or(Error::Unauthenticated)?;
        let user_id = caller.user_id;
        let place = self.admission.enter(user_id, Kind::Worked)?;
        let (request, turn) = if receive::is_stream(&request) {
            // How many of these there are is bounded where they are worked on.
            (receive::in_pieces(request, self.patience), None)
        } else {
            let turn = self.turns.of(user_id).await?;
            let request = receive::whole(request, self.max_message_bytes, self.patience).await?;
            (request, Some(turn.among_all().await?))
        };
        let slot = Slot(Arc::new(Mutex::new(Held { place, turn })));
        let answered = SLOT.scope(slot.clone(), next.run(request));
        let response = in_time(&slot, answered).await?;
        slot.end_turn();
        Ok(response.map(|body| hold(body, slot)))
    }
}

/// Gives up what keeps its turn for too long: whatever it waits for does not come.
async fn in_time(slot: &Slot, answered: impl Future<Output = Response>) -> Result<Response, Error> {
    let mut answered = pin!(answered);
    match time::timeout(LONGEST, &mut answered).await {
        Ok(response) => Ok(response),
        Err(_) if slot.has_turn() => Err(Error::Overloaded),
        Err(_) => Ok(answered.await),
    }
}

#[cfg(test)]
mod tests {
    use axum::{Extension, Router, body::Body, middleware, routing::get};
    use storage::UserId;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;
    use crate::door::Bounds;

    #[tokio::test]
    async fn a_request_that_panics_gives_its_place_and_its_turn_back() {
        let one = Bounds { in_all: 1, of_a_user: 1 };
        let serving = Serving {
            admission: Admission::new(one, one),
            turns: Turns::new(one),
            max_message_bytes: 0,
            patience: Duration::ZERO,
        };
        let router = Router::new()
            .route("/", get(async || -> &'static str { panic!("a bug") }))
            .layer(middleware::from_fn_with_state(serving.clone(), serve))
            .layer(Extension(Caller { user_id: UserId(1) }))
            .layer(CatchPanicLayer::custom(crate::door::panics::answer));

        let answer = router.oneshot(Request::new(Body::empty())).await.unwrap();

        let status = Status::from_header_map(answer.headers()).unwrap();
        assert_eq!(status.code(), tonic::Code::Internal);
        serving.admission.enter(UserId(1), Kind::Worked).unwrap();
        serving.turns.of(UserId(1)).await.unwrap().among_all().await.unwrap();
    }
}
