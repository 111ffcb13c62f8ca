//! Conversations that are kept for a time after their last activity.

use proto::v1 as pb;
use storage::{AgentId, retention};
use tonic::Code;

use crate::harness::{Api, Expect as _, Harness, mask};

const DAY: i64 = 24 * 60 * 60;

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

async fn keep_for(
    api: &Api,
    agent_id: i64,
    conversation_retention: Option<prost_types::Duration>,
) -> pb::Agent {
    let update_mask = mask(&["conversation_retention"]);
    let request = pb::UpdateAgentRequest {
        agent_id,
        conversation_retention,
        update_mask,
        ..Default::default()
    };
    let response = api.agents.clone().update_agent(request).await.ok_response();
    response.agent.expect("it was updated")
}

/// Hides what is too old, and says how many sessions that were.
async fn expire(harness: &Harness) -> i64 {
    let (mut after, mut hidden) = (AgentId(0), 0);
    while let page = retention::expire(&harness.db, after).await.expect("the database answers")
        && let Some(last) = page.last
    {
        hidden += page.hidden;
        if page.hidden == 0 {
            after = last;
        }
    }
    hidden
}

#[tokio::test]
async fn what_had_no_activity_for_longer_than_its_agent_keeps_it_is_gone() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let [agent, other] = [api.agent().await, api.agent().await];
    keep_for(&api, agent, seconds(7 * DAY)).await;
    let [old, deleted, of_other] =
        [api.session(agent, "").await, api.session(agent, "").await, api.session(other, "").await];
    for session in [&old, &deleted, &of_other] {
        api.ask(session.id, "SELECT 1").await;
    }
    api.delete_session(deleted.id).await;
    harness.age("6 days 23 hours").await;
    let too_early = expire(&harness).await;
    harness.age("2 hours").await;
    let recent = api.session(agent, "").await;

    let hidden = expire(&harness).await;
    let undelete = pb::UndeleteSessionRequest { session_id: deleted.id, ..Default::default() };
    let undelete = api.sessions.clone().undelete_session(undelete).await;
    let purged = harness.purge_sessions().await;

    assert_eq!((too_early, hidden, purged.sessions, purged.messages), (0, 2, 2, 4));
    undelete.refused(Code::NotFound, "SESSION_NOT_FOUND");
    for kept in [of_other.id, recent.id] {
        api.get_session(kept).await;
        harness.assert_sound(kept).await;
    }
}

#[tokio::test]
async fn one_with_an_unfinished_run_is_not_idle() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent = api.agent().await;
    keep_for(&api, agent, seconds(DAY)).await;
    let session = api.session(agent, "").await;
    let run = api.start(session.id, "SELECT 1").await;
    harness.age("2 days").await;

    let while_it_waits = expire(&harness).await;
    api.cancel(run.id).await;
    harness.age("2 days").await;

    assert_eq!((while_it_waits, expire(&harness).await), (0, 1));
}

#[tokio::test]
async fn there_may_be_more_of_them_than_a_step_takes() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agents = [api.agent().await, api.agent().await];
    for agent in agents {
        keep_for(&api, agent, seconds(DAY)).await;
        harness
            .execute(&format!(
                "INSERT INTO chat_sessions (user_id, agent_id, last_activity)
                SELECT 1, {agent}, now() - interval '2 days' FROM generate_series(1, 35)"
            ))
            .await;
    }

    assert_eq!(expire(&harness).await, 70);
}

#[tokio::test]
async fn how_long_is_the_users_to_decide_and_to_change() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let request = pb::CreateAgentRequest {
        name: "Agent".to_owned(),
        data_source_id: api.dataset().await,
        conversation_retention: seconds(30 * DAY),
        ..Default::default()
    };

    let created = api.agents.clone().create_agent(request).await.ok_response().agent.unwrap();
    let shorter = keep_for(&api, created.id, seconds(DAY)).await;
    let for_ever = keep_for(&api, created.id, None).await;

    assert_eq!(created.conversation_retention, seconds(30 * DAY));
    assert_eq!(shorter.conversation_retention, seconds(DAY));
    assert_eq!(for_ever.conversation_retention, None);
}

#[tokio::test]
async fn less_than_a_day_and_more_than_a_hundred_years_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent = api.agent().await;

    let refused = [
        seconds(0),
        seconds(-DAY),
        seconds(DAY - 1),
        seconds(36_500 * DAY + 1),
        seconds(i64::MAX),
        Some(prost_types::Duration { seconds: DAY, nanos: 1 }),
    ];
    for conversation_retention in refused {
        let request = pb::UpdateAgentRequest {
            agent_id: agent,
            conversation_retention,
            ..Default::default()
        };
        let outcome = api.agents.clone().update_agent(request).await;
        outcome.invalid(&["conversation_retention"]);
    }
    keep_for(&api, agent, seconds(36_500 * DAY)).await;
}
