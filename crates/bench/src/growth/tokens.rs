//! Listing sessions by token: of a user who has a hundred, and of one who has a thousand times
//! as many, far into the list and at its beginning.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use prost::Message as _;
use proto::v1::{ListSessionsRequest, ListSessionsResponse};

use super::{rows, unmeasured_of};
use crate::{
    cases::{Case, Exchange, Subject, Turn},
    clients::Clients,
    context::Context,
    data::{Data, crowd},
    measure::{Side, in_turn},
    product::Product,
    replay::Inputs,
    report::{Report, Row},
};

pub(crate) const NAME: &str = "list_sessions_by_token";
const OVER_FIRST: &str = "list_sessions_by_token_over_first";
const PER_PAGE: i32 = 20;
const FEW: i32 = 100;
const MANY: i32 = 100_000;
/// The largest page there is, to get far into the list.
const STRIDE: i32 = 50;
/// Half-way.
const STRIDES: i32 = MANY / STRIDE / 2;

/// The page behind a token, or the first.
#[derive(Clone, Debug)]
struct ByToken {
    user_id: i64,
    token: String,
}

pub(super) fn unmeasured() -> Vec<Row> {
    [NAME, OVER_FIRST].into_iter().flat_map(unmeasured_of).collect()
}

/// Of a case that costs the same the ratios are 1.
pub(super) async fn measure(context: &Context, report: &mut Report) -> anyhow::Result<()> {
    eprintln!("measuring {NAME} ...");
    let [few, many] =
        [crowd::make(&context.setup, FEW).await?, crowd::make(&context.setup, MANY).await?];
    let setup = &context.setup;
    let clients = Clients::connect(&context.pair.grpc, &setup.jwt_secret, [few, many]).await?;
    let clients = Arc::new(clients);
    let mut of_few = side(context, &clients, ByToken::after(&clients, few, 1).await?);
    let mut first = side(context, &clients, ByToken::after(&clients, many, 0).await?);
    let mut deep = side(context, &clients, ByToken::after(&clients, many, STRIDES).await?);
    in_turn(&mut [&mut of_few, &mut first, &mut deep], context.plan).await?;
    report.rows.extend(rows(NAME, [&of_few, &deep]));
    report.rows.extend(rows(OVER_FIRST, [&first, &deep]));
    Ok(())
}

fn side(context: &Context, clients: &Arc<Clients>, case: ByToken) -> Side {
    let case: Arc<dyn Case> = Arc::new(case);
    let product = Product { clients: Arc::clone(clients), ..Product::of(context, &case) };
    Side::new(product.callers(case.callers()), context.pids())
}

impl ByToken {
    /// The page after so many large ones.
    async fn after(clients: &Clients, user_id: i64, strides: i32) -> anyhow::Result<Self> {
        let mut case = Self { user_id, token: String::new() };
        for _ in 0..strides {
            let pagination = case.list(clients, STRIDE).await?.pagination;
            case.token = pagination.context("no pagination")?.next_page_token;
            ensure!(!case.token.is_empty(), "user {user_id} has fewer sessions");
        }
        Ok(case)
    }

    fn request(&self, per_page: i32) -> ListSessionsRequest {
        let page_token = self.token.clone();
        ListSessionsRequest { per_page, page_token, ..Default::default() }
    }

    async fn list(&self, clients: &Clients, per_page: i32) -> anyhow::Result<ListSessionsResponse> {
        let request = clients.request(self.user_id, self.request(per_page))?;
        let response = clients.sessions().list_sessions(request).await?.into_inner();
        let listed = response.sessions.len();
        ensure!(listed == per_page as usize, "{listed} sessions on a page");
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
        let request = self.request(PER_PAGE).encoded_len();
        let response = self.list(clients, PER_PAGE).await?;
        Ok(Exchange { request, response: response.encoded_len() })
    }
}
