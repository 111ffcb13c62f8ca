//! The door: what every request passes before it reaches a service, and what every
//! answer passes on its way out.
//!
//! Whatever may refuse a request lies inside of what makes the refusal readable: CORS
//! and gRPC-Web for browsers, the canonical form of errors for all.

mod admission;
mod authenticate;
mod browsers;
mod calls;
mod canonical;
mod content;
mod deadline;
mod headers;
mod measure;
mod panics;
mod public;
mod rate;
mod receive;
mod request_id;
mod serve;
mod turns;
mod until;

use axum::{Router, middleware};
use tonic::service::Routes;
use tower_http::catch_panic::CatchPanicLayer;

pub use admission::{Admission, Bounds};
pub use browsers::Origins;
pub(crate) use deadline::remaining;
pub use rate::Rate;
pub(crate) use serve::Slot;
pub use turns::Turns;

use crate::{auth::Verifier, connections::Limits};

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
    /// Puts the services behind the door; whoever wants into `private` says who it is.
    pub(crate) fn guard(
        &self,
        public: Routes,
        private: Routes,
        max_message_bytes: usize,
        limits: &Limits,
    ) -> Router {
        let patience = limits.patience.request;
        let serving = serve::Serving {
            admission: self.admission.clone(),
            turns: self.turns.clone(),
            max_message_bytes,
            patience,
        };
        let public = public
            .into_axum_router()
            .layer(middleware::from_fn_with_state(public::Strangers::new(patience), public::serve));
        // The last layer is the outermost.
        let private = private
            .into_axum_router()
            .reset_fallback()
            .layer(middleware::from_fn_with_state(serving, serve::serve))
            .layer(middleware::from_fn_with_state(self.rate.clone(), rate::take))
            .layer(middleware::from_fn_with_state(
                self.verifier.clone(),
                authenticate::authenticate,
            ));
        public
            .merge(private)
            .layer(middleware::from_fn(deadline::keep))
            .layer(CatchPanicLayer::custom(panics::answer))
            .layer(middleware::map_response(canonical::complete))
            .layer(middleware::from_fn_with_state(limits.max_header_bytes, headers::check))
            .layer(middleware::from_fn(measure::measure))
            .layer(middleware::from_fn(calls::follow))
            .layer(middleware::from_fn(browsers::translate))
            .layer(middleware::from_fn(content::check))
            .layer(middleware::from_fn(request_id::give))
            .layer(self.origins.cors())
    }
}
