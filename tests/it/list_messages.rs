use proto::v1::{self as pb, FinishReason, MessageOrder, Role};
use sea_orm::ConnectionTrait as _;

use crate::harness::{Api, Expect as _, Harness};

mod cost;

/// Gives a session messages, alternating, without asking anything.
async fn fill(harness: &Harness, session_id: i64, messages: i64) {
    let sql = format!(
        "WITH asked AS (
            INSERT INTO runs (chat_session_id, agent_id, user_id, question, state, admitted_at,
                wake_at, ended_at)
            SELECT s.id, s.agent_id, s.user_id, 'question', 'succeeded', now(), NULL, now()
            FROM chat_sessions s, generate_series(1, ({messages} + 1) / 2)
            WHERE s.id = {session_id}
            RETURNING id
        ),
        turns AS (SELECT id, row_number() OVER (ORDER BY id) AS turn FROM asked),
        said AS (
            INSERT INTO messages (chat_session_id, user_id, run_id, role, content,
                sequence_order, finish_reason)
            SELECT {session_id}, 1, id, role, format('message %s', place), place,
                CASE role WHEN 'assistant' THEN 'stop' END
            FROM turns, LATERAL (VALUES ('user', 2 * turn - 1), ('assistant', 2 * turn))
                AS one (role, place)
            WHERE place <= {messages}
        )
        UPDATE chat_sessions SET total_messages = {messages} WHERE id = {session_id}"
    );
    harness.db.execute_unprepared(&sql).await.expect("the statement is right");
}

async fn list(api: &Api, request: pb::ListMessagesRequest) -> pb::ListMessagesResponse {
    api.sessions.clone().list_messages(request).await.ok_response()
}

fn places(response: &pb::ListMessagesResponse) -> Vec<i64> {
    response.messages.iter().map(|it| it.sequence_order).collect()
}

/// What a list of a session with so many messages must be: their places, and
/// where the page lies.
fn expected(total: i64, request: &pb::ListMessagesRequest) -> (Vec<i64>, pb::Pagination) {
    let mut places: Vec<i64> =
        (1..=total).filter(|place| request.after_sequence < *place).collect();
    if request.order() == MessageOrder::Descending {
        places.reverse();
    }
    let page = request.page.max(1);
    let per_page = if request.per_page == 0 { 20 } else { request.per_page.min(100) };
    let pages: Vec<&[i64]> = places.chunks(per_page.unsigned_abs() as usize).collect();
    let index = page.unsigned_abs() as usize - 1;
    let found = pages.get(index).copied().unwrap_or_default();
    let pagination = pb::Pagination {
        page,
        per_page,
        total_items: places.len() as i64,
        total_pages: pages.len() as i64,
        has_next: index + 1 < pages.len(),
        has_prev: 1 < page,
        next_page_token: String::new(),
    };
    (found.to_vec(), pagination)
}

#[tokio::test]
async fn every_page_of_every_size_in_both_orders_is_as_expected() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent_id = api.agent().await;

    for total in [0, 1, 215] {
        let title = format!("{total} messages");
        let session_id = api.session(agent_id, &title).await.id;
        fill(&harness, session_id, total).await;
        let info = pb::SessionInfo { id: session_id, title, total_messages: total };
        for (page, per_page, order, after_sequence) in requests(total) {
            let order = order.into();
            let request =
                pb::ListMessagesRequest { session_id, page, per_page, order, after_sequence };
            let response = list(&api, request).await;

            let (found, pagination) = expected(total, &request);
            assert_eq!(places(&response), found, "{request:?}");
            assert_eq!(response.pagination, Some(pagination), "{request:?}");
            assert_eq!(response.session_info.as_ref(), Some(&info));
        }
    }
}

fn requests(total: i64) -> Vec<(i32, i32, MessageOrder, i64)> {
    let mut requests = Vec::new();
    for after_sequence in [0, 1, total - 1, total, i64::MAX] {
        for per_page in [0, 7, 100, 101, i32::MAX] {
            for page in [0, 1, 2, 11, i32::MAX] {
                requests.push((page, per_page, MessageOrder::Ascending, after_sequence.max(0)));
                requests.push((page, per_page, MessageOrder::Descending, after_sequence.max(0)));
            }
        }
    }
    requests.push((0, 0, MessageOrder::Unspecified, 0));
    requests
}

#[tokio::test]
async fn a_message_is_listed_with_all_that_it_is() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await;
    let (run, _) = api.ask(session.id, "SELECT count(*) AS n FROM penguins").await;
    let (failed, _) = api.ask(session.id, "SELECT nothing FROM penguins").await;

    let messages = api.messages(session.id).await;

    let [question, answer, _, apology] = &messages[..] else { panic!("{messages:#?}") };
    assert_eq!((question.session_id, question.run_id), (session.id, run.id));
    assert_eq!((question.role(), question.sequence_order), (Role::User, 1));
    assert_eq!(question.content, "SELECT count(*) AS n FROM penguins");
    assert_eq!(
        (question.sql_query.as_str(), question.finish_reason()),
        ("", FinishReason::Unspecified)
    );
    assert_eq!(question.message_metadata, Some(prost_types::Struct::default()));
    assert_eq!((answer.session_id, answer.run_id), (session.id, run.id));
    assert_eq!((answer.role(), answer.sequence_order), (Role::Assistant, 2));
    assert_eq!((&answer.sql_query, answer.finish_reason()), (&run.sql_query, FinishReason::Stop));
    let keys: Vec<&str> = keys(answer);
    assert_eq!(keys, ["execution_ms", "row_count", "total_rows", "truncated"]);
    assert_eq!((apology.run_id, apology.finish_reason()), (failed.id, FinishReason::Error));
    assert!(self::keys(apology).contains(&"error_reason"), "{apology:?}");
    assert!(messages.iter().all(|it| it.id > 0 && it.created_at.is_some()));
    assert!(messages.is_sorted_by_key(|it| it.created_at.map(|it| (it.seconds, it.nanos))));
}

fn keys(message: &pb::Message) -> Vec<&str> {
    let metadata = message.message_metadata.as_ref().expect("every message has some");
    metadata.fields.keys().map(String::as_str).collect()
}

#[tokio::test]
async fn messages_captured_meanwhile_neither_shift_nor_repeat_the_pages_of_the_oldest_first() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    fill(&harness, session_id, 6).await;
    let page =
        |page| pb::ListMessagesRequest { session_id, page, per_page: 4, ..Default::default() };

    let first = list(&api, page(1)).await;
    api.start(session_id, "one more").await;
    let second = list(&api, page(2)).await;
    let since = pb::ListMessagesRequest { session_id, after_sequence: 6, ..Default::default() };
    let since = list(&api, since).await;

    assert_eq!((places(&first), places(&second)), (vec![1, 2, 3, 4], vec![5, 6, 7]));
    assert_eq!((places(&since), since.messages[0].content.as_str()), (vec![7], "one more"));
    assert_eq!(second.session_info.unwrap().total_messages, 7);
}
