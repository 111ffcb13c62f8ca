//! What becomes of a question between a model and the data: corrected, remembered,
//! kept from what it may not see, and honest about what was cut.

mod corrections;
mod failures;
mod memory;
mod privacy;
mod schema;
mod summaries;
mod truncation;
mod usage;

use model::Provider;
use proto::v1::{self as pb, PrivacyMode};

use crate::harness::{Analyst, Api, Expect as _, Harness, RunningWorker};

/// A table whose values are all easy to tell from anything else.
const PEOPLE: &str = "name,salary,city\nZorblax,91827,Quxville\nVimhart,64738,Plonkton\n";

/// A conversation with an agent whose model is an [`Analyst`].
struct Talk {
    harness: Harness,
    _worker: RunningWorker,
    api: Api,
    agent: pb::Agent,
    session_id: i64,
}

impl Talk {
    /// About people.
    async fn about_people(analyst: &'static Analyst, mode: PrivacyMode) -> Self {
        let settings = pb::CreateAgentRequest { privacy_mode: mode.into(), ..Default::default() };
        Self::about(analyst, &[("people", PEOPLE)], settings).await
    }

    async fn about(
        provider: impl Provider,
        tables: &[(&str, &str)],
        settings: pb::CreateAgentRequest,
    ) -> Self {
        let harness = Harness::without_worker().await;
        let worker = harness.worker(provider, 4);
        let api = harness.api(1);
        let data_source_id = api.dataset().await;
        for (name, csv) in tables {
            api.import(data_source_id, name, csv).await.expect("the CSV is valid");
        }
        let settings =
            pb::CreateAgentRequest { name: "Agent".to_owned(), data_source_id, ..settings };
        let agent = api.agents.clone().create_agent(settings).await.ok_response().agent;
        let agent = agent.expect("it was created");
        let session_id = api.session(agent.id, "").await.id;
        Self { harness, _worker: worker, api, agent, session_id }
    }

    async fn ask(&self, question: &str) -> (pb::Run, pb::Message) {
        self.api.ask(self.session_id, question).await
    }

    /// The whole watch of a run that has ended.
    async fn events(&self, run_id: i64) -> Vec<pb::run_event::Event> {
        let events = self.api.watch(run_id, 0).await.rest().await;
        events.into_iter().filter_map(|it| it.event).collect()
    }
}
