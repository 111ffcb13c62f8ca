//! A session that is too large to go at once.

use std::time::{Duration, Instant};

use storage::retention;

use super::PIECE;
use crate::harness::Harness;

const RUNS: i64 = 25_000;

/// A deleted session with so many turns.
async fn large_session(harness: &Harness, agent_id: i64) {
    harness
        .execute(&format!(
            "WITH session AS (
                INSERT INTO chat_sessions (user_id, agent_id, total_messages, deleted_at, purge_at,
                    updated_at)
                VALUES (1, {agent_id}, 2 * {RUNS}, 'epoch', 'epoch', 'epoch') RETURNING id
            ),
            run AS (
                INSERT INTO runs (chat_session_id, agent_id, user_id, question, state, admitted_at,
                    ended_at, wake_at, expires_at)
                SELECT id, {agent_id}, 1, 'again?', 'succeeded', 'epoch', 'epoch', NULL, 'epoch'
                FROM session, generate_series(1, {RUNS})
                RETURNING *
            )
            INSERT INTO messages (chat_session_id, user_id, run_id, role, content, sequence_order,
                finish_reason)
            SELECT chat_session_id, 1, id, role, 'again',
                row_number() OVER (ORDER BY id, role DESC), reason
            FROM run, (VALUES ('user', NULL), ('assistant', 'stop')) AS one (role, reason);
            ANALYZE"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_messages_go_in_short_pieces_and_others_do_not_notice() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let agent = api.agent().await;
    large_session(&harness, agent).await;
    let session = api.session(agent, "").await.id;

    let (mut pieces, mut longest) = (0, Duration::ZERO);
    let purging = async {
        loop {
            let began_at = Instant::now();
            let piece = retention::purge_sessions(&harness.db, None, PIECE).await.unwrap();
            longest = longest.max(began_at.elapsed());
            assert!(piece.runs <= PIECE && piece.messages <= 2 * PIECE, "{piece:?}");
            pieces += i64::from(piece.runs > 0);
            if !piece.is_any() {
                break;
            }
        }
    };
    let talking = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let began_at = Instant::now();
            api.ask(session, "SELECT 1").await;
            slowest = slowest.max(began_at.elapsed());
        }
        slowest
    };
    let ((), slowest) = tokio::join!(purging, talking);

    assert_eq!(pieces, RUNS / PIECE);
    assert!(longest < Duration::from_secs(1), "a piece took {longest:?}");
    assert!(slowest < Duration::from_secs(5), "an answer took {slowest:?}");
    assert_eq!(harness.count("messages").await, 40);
    harness.assert_sound(session).await;
}
