//! What a measurement needs of its surroundings.

use std::{sync::Arc, time::Duration};

use crate::{
    clients::Clients,
    cpu::Pids,
    data::Data,
    echo::EchoServer,
    pair::{self, Pair},
    setup::Setup,
};

/// A pair that serves, with its data and the ways to it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) setup: Setup,
    pub(crate) pair: Pair,
    pub(crate) clients: Arc<Clients>,
    pub(crate) data: Arc<Data>,
    pub(crate) echo: EchoServer,
    pub(crate) plan: Plan,
}

/// How long everything is measured, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) warm_up: Duration,
    pub(crate) round: Duration,
    pub(crate) rounds: u32,
}

impl Context {
    pub(crate) async fn start(setup: Setup, data: Arc<Data>, plan: Plan) -> anyhow::Result<Self> {
        let pair = Pair::start(&setup, None).await?;
        let users = data.users.iter().map(|user| user.id);
        let clients = Arc::new(Clients::connect(&pair.grpc, &setup.jwt_secret, users).await?);
        let echo = EchoServer::start().await?;
        Ok(Self { setup, pair, clients, data, echo, plan })
    }

    /// Whose CPU a call uses.
    pub(crate) fn pids(&self) -> Pids {
        let pair::Pids { service, worker } = self.pair.pids();
        Pids { service, worker, postgres: self.setup.postgres.pid, nats: self.setup.nats.pid }
    }
}

impl Plan {
    /// All of it takes less than five minutes.
    pub(crate) const QUICK: Self =
        Self { warm_up: Duration::from_millis(250), round: Duration::from_millis(800), rounds: 3 };
    pub(crate) const FULL: Self =
        Self { warm_up: Duration::from_secs(2), round: Duration::from_secs(4), rounds: 5 };
}
