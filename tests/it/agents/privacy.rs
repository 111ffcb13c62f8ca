use proto::v1::{self as pb, PrivacyMode};
use tonic::Code;

use super::{create, get, update};
use crate::harness::{Api, Expect as _, Harness, mask};

async fn agent(api: &Api, mode: PrivacyMode, sample_values: bool) -> pb::Agent {
    let request = pb::CreateAgentRequest {
        name: "An agent".to_owned(),
        data_source_id: api.dataset().await,
        privacy_mode: mode.into(),
        sample_values,
        ..Default::default()
    };
    create(api, request).await
}

fn change(agent: &pb::Agent, mode: PrivacyMode, sample_values: bool) -> pb::UpdateAgentRequest {
    pb::UpdateAgentRequest {
        agent_id: agent.id,
        privacy_mode: mode.into(),
        sample_values,
        ..Default::default()
    }
}

#[tokio::test]
async fn an_agent_shows_its_provider_nothing_unless_its_owner_says_so() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);

    let silent = agent(&api, PrivacyMode::Unspecified, false).await;
    let aggregates = agent(&api, PrivacyMode::Aggregates, false).await;
    let open = agent(&api, PrivacyMode::Full, true).await;

    assert_eq!((silent.privacy_mode(), silent.sample_values), (PrivacyMode::None, false));
    assert_eq!(aggregates.privacy_mode(), PrivacyMode::Aggregates);
    assert_eq!((open.privacy_mode(), open.sample_values), (PrivacyMode::Full, true));
    for agent in [silent, aggregates, open] {
        assert_eq!(get(&api, agent.id).await, agent);
    }
}

#[tokio::test]
async fn sample_values_are_refused_outside_of_full_whatever_the_order_of_changes() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let silent = agent(&api, PrivacyMode::None, false).await;
    let open = agent(&api, PrivacyMode::Full, true).await;
    let refuse = async |request: pb::UpdateAgentRequest| {
        api.agents.clone().update_agent(request).await.invalid(&["sample_values"]);
    };

    for mode in [PrivacyMode::None, PrivacyMode::Aggregates] {
        let request = pb::CreateAgentRequest {
            name: "An agent".to_owned(),
            data_source_id: silent.data_source_id,
            privacy_mode: mode.into(),
            sample_values: true,
            ..Default::default()
        };
        api.agents.clone().create_agent(request).await.invalid(&["sample_values"]);
        refuse(change(&silent, mode, true)).await;
        refuse(change(&open, mode, false)).await;
    }
    refuse(change(&silent, PrivacyMode::Unspecified, true)).await;
    let reset = change(&open, PrivacyMode::Unspecified, false);
    refuse(pb::UpdateAgentRequest { update_mask: mask(&["privacy_mode"]), ..reset }).await;

    assert_eq!((get(&api, silent.id).await, get(&api, open.id).await), (silent, open));
}

#[tokio::test]
async fn the_mode_and_sample_values_change_together() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent = agent(&api, PrivacyMode::None, false).await;

    let opened = update(&api, change(&agent, PrivacyMode::Full, true)).await.unwrap();
    let paths = mask(&["privacy_mode", "sample_values"]);
    let request = pb::UpdateAgentRequest {
        update_mask: paths,
        ..change(&agent, PrivacyMode::Unspecified, false)
    };
    let closed = update(&api, request).await.unwrap();

    assert_eq!((opened.privacy_mode(), opened.sample_values), (PrivacyMode::Full, true));
    assert_eq!((closed.privacy_mode(), closed.sample_values), (PrivacyMode::None, false));
    assert_eq!(closed.version, agent.version + 2);
}

#[tokio::test]
async fn two_changes_at_once_leave_no_agent_that_shows_values_outside_of_full() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);

    for _ in 0..10 {
        let agent = agent(&api, PrivacyMode::Full, false).await;
        let (show, close) = tokio::join!(
            update(&api, change(&agent, PrivacyMode::Unspecified, true)),
            update(&api, change(&agent, PrivacyMode::None, false)),
        );
        let refused = [show, close].into_iter().filter_map(Result::err).collect::<Vec<_>>();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0].code(), Code::InvalidArgument, "{refused:?}");
    }
}
