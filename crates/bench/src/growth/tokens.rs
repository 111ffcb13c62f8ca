//! Listing sessions by token: of a user who has a hundred, and of one who has a thousand times
//! as many.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use prost::Message as _;
use proto::v1::{ListSessionsRequest, ListSessionsResponse};

use super::compare;
use crate::{
    cases::{Case, Exchange, Subject, Turn},
    clients::Clients,
    context::Context,
    data::{Data, crowd},
    measure::Side,
    product::Product,
    replay::Inputs,
    report::Report,
};

const NAME: &str = "list_sessions_by_token";
const PER_PAGE: i32 = 20;

/// The page behind a token.
#[derive(Clone, Debug)]
struct ByToken {
    user_id: i64,
    token: String,
}

/// Of a case that costs the same the ratio is 1.
pub(super) async fn measure(context: &Context, report: &mut Report) -> anyhow::Result<()> {
    eprintln!("measuring {NAME} ...");
    let few = context.data.users.last().context("no users")?.id;
    let many = crowd::make(&context.setup).await?;
    let setup = &context.setup;
    let clients = Clients::connect(&context.pair.grpc, &setup.jwt_secret, [few, many]).await?;
    let clients = Arc::new(clients);
    let few = side(context, &clients, few, 1).await?;
    // Some way into the list.
    let many = side(context, &clients, many, 100).await?;
    compare(NAME, &mut [few, many], context.plan, report).await
}

/// Callers for the page after so many.
async fn side(
    context: &Context,
    clients: &Arc<Clients>,
    user_id: i64,
    pages: usize,
) -> anyhow::Result<Side> {
    let mut case = ByToken { user_id, token: String::new() };
    for _ in 0..pages {
        let next = case.list(clients).await?.pagination.context("no pagination")?.next_page_token;
        case.token = next;
    }
    let case: Arc<dyn Case> = Arc::new(case);
    let product = Product {
        case: Arc::clone(&case),
        clients: Arc::clone(clients),
        data: Arc::clone(&context.data),
    };
    Ok(Side::new(product.callers(case.callers()), context.pids()))
}

impl ByToken {
    fn request(&self) -> ListSessionsRequest {
        let page_token = self.token.clone();
        ListSessionsRequest { per_page: PER_PAGE, page_token, ..Default::default() }
    }

    async fn list(&self, clients: &Clients) -> anyhow::Result<ListSessionsResponse> {
        let request = clients.request(self.user_id, self.request())?;
        let response = clients.sessions().list_sessions(request).await?.into_inner();
        let listed = response.sessions.len();
        ensure!(listed == PER_PAGE as usize, "{listed} sessions on a page");
        Ok(response)
    }
}

#[async_trait]
impl Case for ByToken {
    fn name(&self) -> &'static str {
        NAME
    }

    fn pick(&self, _: &Data, _: &mut Turn) -> Subject {
        Subject { user_id: self.user_id, ..Subject::default() }
    }

    fn inputs(&self, _: &Subject) -> Inputs {
        Inputs::default()
    }

    async fn call(&self, clients: &Clients, _: &Subject) -> anyhow::Result<Exchange> {
        let request = self.request().encoded_len();
        let response = self.list(clients).await?;
        Ok(Exchange { request, response: response.encoded_len() })
    }
}
