//! A case with another number of callers than it has by itself.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Case, Exchange, Subject, Turn};
use crate::{clients::Clients, data::Data, replay::Inputs, report::Target};

pub(crate) struct Crowd {
    pub(crate) case: Arc<dyn Case>,
    pub(crate) callers: usize,
}

#[async_trait]
impl Case for Crowd {
    fn name(&self) -> &'static str {
        self.case.name()
    }

    fn callers(&self) -> usize {
        self.callers
    }

    fn targets(&self) -> &'static [Target] {
        self.case.targets()
    }

    fn aftermath(&self) -> Duration {
        self.case.aftermath()
    }

    fn pick(&self, data: &Data, turn: &mut Turn) -> Subject {
        self.case.pick(data, turn)
    }

    fn inputs(&self, subject: &Subject) -> Inputs {
        self.case.inputs(subject)
    }

    async fn call(&self, clients: &Clients, subject: &Subject) -> anyhow::Result<Exchange> {
        self.case.call(clients, subject).await
    }
}
