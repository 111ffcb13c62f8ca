//! One who asks far more than may be asked is refused, and slows nobody down.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use dev::wire::Answer;
use futures::future;
use proto::v1 as pb;
use session_service::door::{Door, Rate};
use tokio::{
    task::JoinSet,
    time::{self, Instant},
};
use tonic::Code;

use super::{Caller, assert_over_quota};
use crate::harness::{Harness, Service, door, settings};

const PER_SECOND: u32 = 50;
/// How often it is asked.
const OFFERED: usize = 400;
const CONNECTIONS: usize = 4;
const SECONDS: u64 = 2;
/// How long an answer may take on a machine that does other things too.
const BOUND: Duration = Duration::from_secs(1);
const LIST: &str = "SessionService/ListSessions";

/// What became of requests, and how long each took.
struct Taken {
    answers: Vec<(Answer, Duration)>,
}

impl Taken {
    fn median(&self) -> Option<Duration> {
        let mut took: Vec<Duration> = self.answers.iter().map(|(_, took)| *took).collect();
        took.sort_unstable();
        took.get(took.len() / 2).copied()
    }

    fn count(&self, wanted: Code) -> usize {
        self.answers.iter().filter(|(answer, _)| code(answer) == wanted).count()
    }
}

fn code(answer: &Answer) -> Code {
    answer.status().expect("it has a status").code()
}

async fn timed(caller: &Caller) -> (Answer, Duration) {
    let began_at = Instant::now();
    let answer = caller.ask(LIST, &pb::ListSessionsRequest::default()).await;
    (answer, began_at.elapsed())
}

/// Asks so often a second, whether there are answers or not.
async fn offer(service: &Service, user_id: i64, per_second: usize) -> Taken {
    let callers = (0..CONNECTIONS).map(|_| Caller::connect(service, user_id));
    let callers: Vec<_> = future::join_all(callers).await.into_iter().map(Arc::new).collect();
    let step = Duration::from_millis(10);
    let steps = SECONDS * 100;
    let mut ticks = time::interval(step);
    let mut asked = JoinSet::new();
    for n in 0..steps {
        ticks.tick().await;
        for _ in 0..per_second / 100 {
            let caller = Arc::clone(&callers[n as usize % CONNECTIONS]);
            asked.spawn(async move { timed(&caller).await });
        }
    }
    Taken { answers: asked.join_all().await }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_allowed_is_answered_while_most_is_refused() {
    let harness = Harness::without_worker().await;
    let rate = NonZeroU32::new(PER_SECOND).expect("a positive number");
    let door = Door { rate: Rate::new(rate, rate), ..door() };
    let service = harness.service_behind(door, settings()).await;

    let began_at = Instant::now();
    let (many, few) = future::join(offer(&service, 1, OFFERED), offer_few(&service, 2)).await;

    let allowed = PER_SECOND as usize * (2 + began_at.elapsed().as_secs() as usize);
    let ok = many.count(Code::Ok);
    assert!((PER_SECOND as usize..=allowed).contains(&ok), "{ok} were allowed");
    assert_eq!(ok + many.count(Code::ResourceExhausted), many.answers.len());
    let refused = many.answers.iter().find(|(answer, _)| code(answer) != Code::Ok);
    assert_over_quota(&refused.expect("most are refused").0, "RATE_LIMITED", 1);
    assert_eq!(few.count(Code::Ok), few.answers.len(), "another user is not touched");
    assert!(few.median() < Some(BOUND), "{:?}", few.median());
}

/// Asks one at a time.
async fn offer_few(service: &Service, user_id: i64) -> Taken {
    let caller = Caller::connect(service, user_id).await;
    let mut answers = Vec::new();
    for _ in 0..SECONDS * 10 {
        time::sleep(Duration::from_millis(100)).await;
        answers.push(timed(&caller).await);
    }
    Taken { answers }
}
