use crate::indexes::{Index, Indexes};

pub(crate) const MIGRATION: Indexes = Indexes {
    name: "m20261123_000012_index_retention",
    indexes: &[
        // Serves the purge of deleted sessions, the longest due first.
        Index {
            name: "chat_sessions_purge_at_idx",
            kind: "INDEX",
            on: "ON chat_sessions (purge_at) WHERE purge_at IS NOT NULL",
        },
        // Serves DeleteUserData: a user's deleted sessions.
        Index {
            name: "chat_sessions_user_id_purge_at_idx",
            kind: "INDEX",
            on: "ON chat_sessions (user_id, purge_at) WHERE purge_at IS NOT NULL",
        },
        // Serves retention by agent, and the purge of agents: conversations with an
        // agent, deleted or not, by their last activity.
        Index {
            name: "chat_sessions_agent_id_last_activity_idx",
            kind: "INDEX",
            on: "ON chat_sessions (agent_id, last_activity)",
        },
        // Serves retention by agent: those that have one.
        Index {
            name: "agents_conversation_retention_seconds_idx",
            kind: "INDEX",
            on: "ON agents (id) WHERE conversation_retention_seconds IS NOT NULL",
        },
        // Serves the purge of deleted agents, and DeleteUserData.
        Index {
            name: "agents_deleted_at_idx",
            kind: "INDEX",
            on: "ON agents (deleted_at) WHERE deleted_at IS NOT NULL",
        },
        Index {
            name: "agents_user_id_deleted_at_idx",
            kind: "INDEX",
            on: "ON agents (user_id, deleted_at) WHERE deleted_at IS NOT NULL",
        },
        // Serves the purge of data sources: agents that name one, deleted or not.
        Index {
            name: "agents_data_source_id_any_idx",
            kind: "INDEX",
            on: "ON agents (data_source_id)",
        },
        // Serves the purge of deleted data sources, and DeleteUserData.
        Index {
            name: "data_sources_deleted_at_idx",
            kind: "INDEX",
            on: "ON data_sources (deleted_at) WHERE deleted_at IS NOT NULL",
        },
        Index {
            name: "data_sources_user_id_deleted_at_idx",
            kind: "INDEX",
            on: "ON data_sources (user_id, deleted_at) WHERE deleted_at IS NOT NULL",
        },
        // Serves the retention of results.
        Index {
            name: "run_results_created_at_idx",
            kind: "INDEX",
            on: "ON run_results (created_at)",
        },
    ],
    replaced: &[],
};
