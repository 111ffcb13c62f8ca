//! RunService.

use proto::v1 as pb;

use super::{Cell, Sent, sent};
use crate::ownership::things::start;

const START: &str = "RunService/StartRun";
const GET: &str = "RunService/GetRun";
const LIST: &str = "RunService/ListRuns";
const WAIT: &str = "RunService/WaitRun";
const WATCH: &str = "RunService/WatchRun";
const CANCEL: &str = "RunService/CancelRun";
const GET_RESULT: &str = "RunService/GetRunResult";
const EXPORT: &str = "RunService/ExportRunResult";

const NO_AGENT: &str = "AGENT_NOT_FOUND";
const NO_RUN: &str = "RUN_NOT_FOUND";
const NO_SESSION: &str = "SESSION_NOT_FOUND";

pub(super) fn cells() -> Vec<Cell> {
    starting().into_iter().chain(reading()).chain(cancelling()).collect()
}

fn starting() -> Vec<Cell> {
    let told = "the owner of a deleted agent is told AGENT_DELETED";
    let repeated = "one's own request is repeated, and gives the run as it is";
    vec![
        Cell::new(START, "agent_id", NO_AGENT, |_, it| policies(0, it.agent)).but_deleted(told),
        Cell::new(START, "agent_id", "AGENT_MISMATCH", |own, it| policies(own.session, it.agent)),
        Cell::new(START, "session_id", NO_SESSION, |own, it| {
            [0, own.agent, it.agent].into_iter().flat_map(|id| policies(it.session, id)).collect()
        }),
        // The very request that its owner has sent.
        Cell::new(START, "session_id", NO_SESSION, |_, it| {
            vec![sent(start(it.session, &it.request_id))]
        })
        .but_deleted(repeated),
        Cell::request_id(START, NO_SESSION, |_, it| vec![sent(start(i64::MAX, &it.request_id))]),
    ]
}

fn reading() -> Vec<Cell> {
    let stay = "one's runs of a deleted agent stay";
    vec![
        Cell::new(GET, "run_id", NO_RUN, |_, it| vec![sent(pb::GetRunRequest { run_id: it.run })]),
        Cell::new(LIST, "session_id", NO_SESSION, |own, it| {
            [(0, 0), (own.agent, 1), (it.agent, 3)]
                .map(|(agent_id, state)| list(it.session, agent_id, state))
                .into()
        }),
        Cell::new(LIST, "agent_id", "OK", |own, it| {
            vec![list(0, it.agent, 0), list(0, it.agent, 1), list(own.session, it.agent, 0)]
        })
        .but_deleted(stay),
        Cell::new(LIST, "page_token", "OK", |_, it| {
            let page_token = it.tokens.runs.clone();
            vec![sent(pb::ListRunsRequest { page_token, ..Default::default() })]
        }),
        Cell::new(WAIT, "run_id", NO_RUN, |_, it| {
            vec![sent(pb::WaitRunRequest { run_id: it.run, timeout: None })]
        }),
        Cell::new(WATCH, "run_id", NO_RUN, |_, it| {
            [0, 1 << 32, i64::MAX]
                .map(|after_event_id| sent(pb::WatchRunRequest { run_id: it.run, after_event_id }))
                .into()
        }),
        Cell::new(GET_RESULT, "run_id", NO_RUN, |_, it| {
            let request = |page| pb::GetRunResultRequest { run_id: it.run, per_page: 1, page };
            [0, 2].map(|page| sent(request(page))).into()
        }),
        Cell::new(EXPORT, "run_id", NO_RUN, |_, it| {
            [1, 2].map(|format| sent(pb::ExportRunResultRequest { run_id: it.run, format })).into()
        }),
    ]
}

fn cancelling() -> Vec<Cell> {
    vec![
        Cell::new(CANCEL, "run_id", NO_RUN, |_, it| vec![sent(cancel(it.run, ""))]),
        Cell::request_id(CANCEL, NO_RUN, |_, it| vec![sent(cancel(i64::MAX, &it.request_id))]),
    ]
}

/// With each policy for a session that is busy.
fn policies(session_id: i64, agent_id: i64) -> Vec<Sent> {
    let request =
        |concurrency| pb::StartRunRequest { agent_id, concurrency, ..start(session_id, "") };
    [0, 1, 2, 3].map(|concurrency| sent(request(concurrency))).into()
}

fn list(session_id: i64, agent_id: i64, state: i32) -> Sent {
    sent(pb::ListRunsRequest { session_id, agent_id, state, ..Default::default() })
}

fn cancel(run_id: i64, request_id: &str) -> pb::CancelRunRequest {
    let [reason, request_id] = ["mine", request_id].map(str::to_owned);
    pb::CancelRunRequest { run_id, reason, request_id }
}
