//! What a ready stack says about itself.

use super::DEMO_USER;
use crate::{cli::print, settings::Settings, stack::Stack, token};

pub(crate) fn print_guide(stack: &Stack, settings: &Settings) -> anyhow::Result<()> {
    print(&text(stack, &token::for_user(&settings.jwt_secret, DEMO_USER)?));
    Ok(())
}

fn text(stack: &Stack, token: &str) -> String {
    let Stack {
        grpc,
        admin,
        worker_admins,
        database_url,
        dataset_database_url,
        nats_url,
        demo_agent_id,
        ..
    } = stack;
    let question = format!(
        r#"{{"agent_id": "{demo_agent_id}", "question": "Qual a média de body_mass_g por species?", "wait": "30s"}}"#
    );
    format!(
        r#"
gRPC API    {grpc} (with reflection)
metrics     http://{admin}/metrics, and of the workers {}
database    {database_url}
data sets   {dataset_database_url}
NATS        {nats_url}

A token of user {DEMO_USER}, good for 30 days (another user's: cargo dev token --user N):

TOKEN={token}

With buf curl:

buf curl --protocol grpc --http2-prior-knowledge -H "authorization: Bearer $TOKEN" http://{grpc}/tertulia.v1.SessionService/ListSessions
buf curl --protocol grpc --http2-prior-knowledge -H "authorization: Bearer $TOKEN" -d '{question}' http://{grpc}/tertulia.v1.RunService/StartRun
"#,
        worker_admins.join(", ")
    )
}
