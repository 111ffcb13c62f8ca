//! The door: what every request passes before it reaches a service, and what every
//! answer passes on its way out.

mod admission;
mod answer;
mod browsers;
mod calls;
mod canonical;
mod content;
mod deadline;
mod entrance;
mod headers;
mod panics;
mod rate;
mod receive;
mod request_id;
mod serve;
mod strangers;
mod turns;
mod until;

use tonic::service::Routes;

pub use admission::{Admission, Bounds};
pub use browsers::Origins;
pub(crate) use deadline::remaining;
pub(crate) use entrance::Entrance;
pub use rate::Rate;
pub(crate) use receive::Received;
pub(crate) use serve::Slot;
pub use turns::Turns;

use self::{serve::Serving, strangers::Strangers};
use crate::{auth::Verifier, connections::Limits, services::Services};

/// Who and what may pass.
#[derive(Clone, Debug)]
pub struct Door {
    pub verifier: Verifier,
    pub rate: Rate,
    pub admission: Admission,
    pub turns: Turns,
    /// The pages that may call from a browser.
    pub origins: Origins,
}

impl Door {
    /// Puts the services behind the door; whoever wants into those that are not public
    /// says who it is.
    pub(crate) fn guard(
        self,
        public: Routes,
        services: Services,
        max_message_bytes: usize,
        limits: &Limits,
    ) -> Entrance {
        let patience = limits.patience.request;
        let Self { verifier, rate, admission, turns, origins } = self;
        Entrance {
            cors: origins.cors(),
            verifier,
            rate,
            serving: Serving { admission, turns, max_message_bytes, patience },
            strangers: Strangers::new(public, patience),
            services,
            max_header_bytes: limits.max_header_bytes,
        }
    }
}
