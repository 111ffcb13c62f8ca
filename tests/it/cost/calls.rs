//! Every rpc, as most calls of it are.

mod agents;
mod data_sources;
pub(super) mod runs;
mod sessions;

use proto::v1 as pb;

use crate::harness::{Api, Expect as _, Harness, random_uuid};

/// Measures calls.
pub(crate) trait Meter {
    /// Makes a call, and notes what it costs.
    async fn of<T>(&mut self, name: &'static str, call: impl Future<Output = T>) -> T;
}

/// What a user has for the calls to be about.
#[derive(Clone)]
pub(super) struct Stage {
    /// That is measured.
    pub(super) api: Api,
    /// That is not.
    pub(super) aside: Api,
    pub(super) dataset: i64,
    pub(super) agent: i64,
    /// With some questions and their answers.
    pub(super) session: i64,
    /// Of the session, and finished.
    pub(super) run: i64,
    /// With a question and its answer, to be deleted.
    pub(super) other_session: i64,
}

impl Stage {
    pub(super) async fn set(harness: &Harness, api: Api, user_id: i64) -> Self {
        let aside = harness.api(user_id);
        let dataset = penguins(&aside).await;
        let agent = aside.agent_on(dataset).await;
        let worker = harness.worker(model::Builtin, 4);
        let asked = async |questions: usize| {
            let (session, mut run) = (aside.session(agent, "a title").await.id, 0);
            for _ in 0..questions {
                run = aside.ask(session, "how many penguins are there?").await.0.id;
            }
            (session, run)
        };
        let (other_session, _) = asked(1).await;
        let (session, run) = asked(3).await;
        // Its events would be counted, were it there.
        worker.stop().await;
        Self { api, aside, dataset, agent, session, run, other_session }
    }

    /// For runs that are measured from their beginning.
    pub(super) async fn set_for_runs(api: Api) -> Self {
        let dataset = penguins(&api).await;
        let agent = api.agent_on(dataset).await;
        let session = api.session(agent, "a title").await.id;
        Self { aside: api.clone(), api, dataset, agent, session, run: 0, other_session: 0 }
    }
}

async fn penguins(api: &Api) -> i64 {
    let dataset = api.dataset().await;
    let csv = include_str!("../../../crates/dev/demo/penguins.csv");
    api.import(dataset, "penguins", csv).await.expect("the demo's data can be imported");
    dataset
}

/// Makes all of them but the one that leaves nothing for others.
pub(super) async fn make(stage: &Stage, meter: &mut impl Meter) {
    sessions::make(stage, meter).await;
    runs::make(stage, meter).await;
    agents::make(stage, meter).await;
    data_sources::make(stage, meter).await;
}

pub(super) async fn delete_user_data(stage: &Stage, meter: &mut impl Meter) {
    let request = pb::DeleteUserDataRequest { request_id: random_uuid() };
    let mut user_data = stage.api.user_data.clone();
    meter
        .of("UserDataService/DeleteUserData", user_data.delete_user_data(request))
        .await
        .ok_response();
}
