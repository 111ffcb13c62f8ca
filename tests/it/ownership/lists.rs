//! Of two users who talk of the same at the same time, neither sees anything of the
//! other: no list, search or stream has a text or an id of theirs.

mod reading;
mod talking;

pub(super) use self::reading::READ;
use self::{
    reading::{Asked, Reader},
    talking::User,
};
use super::{things::purge, wire::Answer};
use crate::harness::Harness;

/// Two users after their talks, and what each saw of them meanwhile.
async fn talked() -> (Harness, [(User, Vec<Answer>); 2]) {
    let (harness, worker) = Harness::start().await;
    harness.log_is_there().await;
    talking::number_rows_by_table(&harness).await;
    let mut users =
        [User::new(&harness, 1, "basalt").await, User::new(&harness, 2, "quartz").await];
    for _ in 0..2 {
        for user in &mut users {
            user.open_session().await;
        }
    }
    let [one, other] = &mut users;
    let (first, second) = tokio::join!(one.talk(), other.talk());
    for user in &mut users {
        user.put_one_away().await;
    }
    harness.all_is_embedded().await;
    worker.stop().await;
    let [one, other] = users;
    (harness, [(one, first), (other, second)])
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|it| it == part)
}

/// Asserts that answers hold what is one's own, and nothing of the other.
fn check<'a>(
    own: &User,
    traces: &[Vec<u8>],
    answers: impl IntoIterator<Item = (&'a str, &'a Answer)>,
) {
    let mut holds_own = false;
    for (rpc, answer) in answers {
        let bytes = answer.bytes();
        holds_own |= contains(&bytes, own.mark.as_bytes());
        for trace in traces {
            let shown = String::from_utf8_lossy(trace);
            assert!(!contains(&bytes, trace), "{rpc} shows {shown:?}: {answer:?}");
        }
    }
    assert!(holds_own, "nothing was read");
}

#[tokio::test]
async fn whoever_watches_a_run_sees_nothing_of_those_that_go_on_beside_it() {
    let (harness, [(one, seen_by_one), (other, seen_by_other)]) = talked().await;

    for (user, seen, stranger) in [(&one, &seen_by_one, &other), (&other, &seen_by_other, &one)] {
        assert_eq!(seen.len(), user.runs.len());
        for answer in seen {
            assert!(contains(&answer.body, user.mark.as_bytes()), "{answer:?}");
        }
        let seen = seen.iter().map(|answer| ("RunService/WatchRun", answer));
        check(user, &stranger.traces(&harness).await, seen);
    }
}

#[tokio::test]
async fn no_list_search_or_token_shows_anything_of_another() {
    let (harness, [(one, _), (other, _)]) = talked().await;

    for (user, stranger) in [(&one, &other), (&other, &one)] {
        let traces = stranger.traces(&harness).await;
        let asked = Reader::new(&harness, user, stranger).read_all().await;
        for rpc in READ {
            let of_rpc = asked.iter().filter(|it| it.rpc == rpc).map(|it| (it.rpc, &it.answer));
            check(user, &traces, of_rpc);
        }
    }
}

#[tokio::test]
async fn every_answer_is_the_same_when_the_other_has_never_been() {
    let (harness, [(user, _), (other, _)]) = talked().await;
    let mut asked = Reader::new(&harness, &user, &other).read_all().await;
    // Its first event bears the time of the watch.
    asked.retain(|it| it.rpc != "RunService/WatchRun");

    purge(&harness, other.id).await;

    for Asked { rpc, request, answer } in asked {
        let again = super::wire::call(&harness.channel(), user.id, rpc, &[request]).await;
        assert_eq!(again, answer, "{rpc}");
    }
}
