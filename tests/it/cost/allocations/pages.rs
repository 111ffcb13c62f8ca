//! Whole pages, and the first of a run that goes on.

use futures::StreamExt as _;
use proto::v1 as pb;

use super::super::calls::{Meter, Stage};
use crate::harness::{Expect as _, Harness};

const FILL: &str = "
    INSERT INTO chat_sessions (user_id, agent_id, title, total_messages, last_activity)
    SELECT user_id, id, 'About ' || n, 120, now()
    FROM agents, generate_series(1, 20) AS n WHERE id = $agent;

    INSERT INTO runs (chat_session_id, agent_id, user_id, question, state, admitted_at, wake_at,
        ended_at)
    SELECT id, agent_id, user_id, 'How many penguins of ' || n || '?', 'succeeded', now(), NULL, now()
    FROM (SELECT * FROM chat_sessions WHERE agent_id = $agent ORDER BY id DESC LIMIT 1) AS it,
        generate_series(1, 60) AS n;

    INSERT INTO messages (chat_session_id, user_id, run_id, role, content, sequence_order,
        finish_reason)
    SELECT chat_session_id, user_id, id, role, question,
        2 * row_number() OVER (PARTITION BY chat_session_id, role ORDER BY id) - place,
        CASE role WHEN 'assistant' THEN 'stop' END
    FROM runs, (VALUES ('user', 1), ('assistant', 0)) AS one (role, place)
    WHERE question LIKE 'How many penguins of %'";

/// What there are whole pages of.
pub(super) struct Pages {
    /// With more messages than a page has at most.
    session: i64,
    /// Without any.
    idle_session: i64,
}

impl Pages {
    pub(super) async fn fill(harness: &Harness, Stage { aside, agent, .. }: &Stage) -> Self {
        harness.execute(&FILL.replace("$agent", &agent.to_string())).await;
        let list = pb::ListSessionsRequest { min_messages: 100, ..Default::default() };
        let listed = aside.sessions.clone().list_sessions(list).await.ok_response().sessions;
        let session = listed.iter().map(|it| it.id).max().expect("they are there");
        Self { session, idle_session: aside.session(*agent, "idle").await.id }
    }

    pub(super) async fn list(&self, Stage { api, .. }: &Stage, meter: &mut impl Meter) {
        let mut sessions = api.sessions.clone();
        for (name, per_page) in
            [("SessionService/ListMessages:20", 20), ("SessionService/ListMessages:100", 100)]
        {
            let list = pb::ListMessagesRequest {
                session_id: self.session,
                per_page,
                ..Default::default()
            };
            let page = meter.of(name, sessions.list_messages(list)).await.ok_response();
            assert_eq!(page.messages.len(), per_page as usize);
        }
        let list = pb::ListSessionsRequest { per_page: 20, ..Default::default() };
        let call = sessions.list_sessions(list);
        let page = meter.of("SessionService/ListSessions:20", call).await.ok_response();
        assert_eq!(page.sessions.len(), 20);
    }

    /// Watches a run that nobody works on until it is heard of.
    pub(super) async fn watch(&self, Stage { api, aside, .. }: &Stage, meter: &mut impl Meter) {
        let run_id = aside.start(self.idle_session, "how many penguins are there?").await.id;
        let request = pb::WatchRunRequest { run_id, after_event_id: 0 };
        let mut runs = api.runs.clone();
        let first = async {
            let mut events = runs.watch_run(request).await.ok_response();
            events.next().await.transpose().expect("it is watched")
        };
        let first = meter.of("RunService/WatchRun:first-event", first).await;
        assert!(first.is_some(), "a run that goes on is told of");
        aside.cancel(run_id).await;
    }
}
