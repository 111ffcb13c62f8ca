//! Callers of the product.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    cases::{Case, Turn},
    clients::Clients,
    context::Context,
    data::Data,
    load::{Caller, Callers},
};

/// What callers have in common.
#[derive(Clone)]
pub(crate) struct Product {
    pub(crate) case: Arc<dyn Case>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) data: Arc<Data>,
}

struct ProductCaller {
    product: Product,
    turn: Turn,
}

impl Product {
    /// Of a pair, by the ways there are to it.
    pub(crate) fn of(context: &Context, case: &Arc<dyn Case>) -> Self {
        Self {
            case: Arc::clone(case),
            clients: Arc::clone(&context.clients),
            data: Arc::clone(&context.data),
        }
    }

    /// As many callers as are asked for, each with a choice of its own.
    pub(crate) fn callers(&self, count: usize) -> Callers {
        let caller = |number| ProductCaller { product: self.clone(), turn: Turn::of(number) };
        (0..count).map(|number| Box::new(caller(number)) as Box<dyn Caller>).collect()
    }
}

#[async_trait]
impl Caller for ProductCaller {
    async fn call(&mut self) -> anyhow::Result<()> {
        let Product { case, clients, data } = &self.product;
        let subject = case.pick(data, &mut self.turn);
        case.call(clients, &subject).await?;
        Ok(())
    }
}
