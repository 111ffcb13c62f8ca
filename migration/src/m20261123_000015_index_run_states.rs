use crate::indexes::{Index, Indexes};

pub(crate) const MIGRATION: Indexes = Indexes {
    name: "m20261123_000015_index_run_states",
    indexes: &[
        // Serves StartRun with a bound on a user's runs at once, and DeleteUserData. It has all
        // runs, so that it is of no use to statements without a user.
        Index { name: "runs_user_id_state_idx", kind: "INDEX", on: "ON runs (user_id, state)" },
    ],
    // Where statistics know of no unfinished run, Postgres reads all of it for those of a session.
    replaced: &[Index {
        name: "runs_user_id_unfinished_idx",
        kind: "INDEX",
        on: "ON runs (user_id) WHERE ended_at IS NULL",
    }],
};
