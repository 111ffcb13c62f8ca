//! The API's services, each by its name.

use axum::response::Response;
use http::Request;
use proto::v1::{
    agent_service_server::{self as agents, AgentServiceServer},
    data_source_service_server::{self as data_sources, DataSourceServiceServer},
    run_service_server::{self as runs, RunServiceServer},
    session_service_server::{self as sessions, SessionServiceServer},
    user_data_service_server::{self as user_data, UserDataServiceServer},
};
use tonic::{Status, body::Body};
use tower::Service as _;

use crate::{
    door::Received,
    grpc::{AgentGrpc, DataSourceGrpc, RunGrpc, SessionGrpc, UserDataGrpc},
    server::Parts,
};

#[derive(Debug)]
pub(crate) struct Services {
    sessions: SessionServiceServer<SessionGrpc>,
    runs: RunServiceServer<RunGrpc>,
    agents: AgentServiceServer<AgentGrpc>,
    data_sources: DataSourceServiceServer<DataSourceGrpc>,
    user_data: UserDataServiceServer<UserDataGrpc>,
}

impl Services {
    pub(crate) const NAMES: [&str; 5] = [
        sessions::SERVICE_NAME,
        runs::SERVICE_NAME,
        agents::SERVICE_NAME,
        data_sources::SERVICE_NAME,
        user_data::SERVICE_NAME,
    ];

    pub(crate) fn new(parts: Parts, max_bytes: usize, max_import_bytes: usize) -> Self {
        let Parts { db, runs, sources, models, embedder, limits, .. } = parts;
        let sessions = SessionGrpc::new(runs.clone(), limits, embedder);
        let user_data = UserDataGrpc::new(runs.clone());
        let runs = RunGrpc::new(runs, limits);
        let agents = AgentGrpc::new(db, models);
        let sources = DataSourceGrpc::new(sources, limits.imports);
        Self {
            sessions: SessionServiceServer::new(sessions).max_decoding_message_size(max_bytes),
            runs: RunServiceServer::new(runs).max_decoding_message_size(max_bytes),
            agents: AgentServiceServer::new(agents).max_decoding_message_size(max_bytes),
            data_sources: DataSourceServiceServer::new(sources)
                .max_decoding_message_size(max_import_bytes),
            user_data: UserDataServiceServer::new(user_data).max_decoding_message_size(max_bytes),
        }
    }

    /// Whether a path is one of theirs.
    pub(crate) fn have(path: &str) -> bool {
        Self::NAMES.contains(&name(path))
    }

    /// Has the one answer whose the path is.
    pub(crate) async fn call(&self, request: Request<Received>) -> Response<Body> {
        // What is called is a handle of its own, which costs little.
        let answered = match name(request.uri().path()) {
            sessions::SERVICE_NAME => self.sessions.clone().call(request),
            runs::SERVICE_NAME => self.runs.clone().call(request),
            agents::SERVICE_NAME => self.agents.clone().call(request),
            data_sources::SERVICE_NAME => self.data_sources.clone().call(request),
            user_data::SERVICE_NAME => self.user_data.clone().call(request),
            _ => return Status::unimplemented("").into_http(),
        };
        let Ok(response) = answered.await;
        response
    }
}

/// The service that a path names, as /SERVICE/METHOD.
fn name(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}
