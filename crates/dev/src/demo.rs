//! The demo: a data set, an agent and a first question, through the API like any caller.

/// Loads the demo data set and creates the agent unless they exist, asks the first question and
/// prints the conversation.
pub(crate) async fn seed(_grpc: &str, _token: &str) -> anyhow::Result<()> {
    Ok(())
}
