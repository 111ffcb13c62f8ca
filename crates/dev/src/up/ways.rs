//! The URLs of one server: each of those who use it logs in as somebody else.

use run_queue::Service;

#[derive(Clone, Debug)]
pub(crate) struct Ways {
    /// Of whoever looks after it, and may do everything.
    pub(crate) operator: String,
    pub(crate) session_service: String,
    pub(crate) run_worker: String,
}

impl Ways {
    /// Of a server that only one URL is known of.
    pub(crate) fn all(url: String) -> Self {
        Self { operator: url.clone(), session_service: url.clone(), run_worker: url }
    }

    pub(crate) fn of(&self, service: Service) -> &str {
        match service {
            Service::SessionService => &self.session_service,
            Service::RunWorker => &self.run_worker,
        }
    }
}
