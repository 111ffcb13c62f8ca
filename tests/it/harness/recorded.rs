//! Parts of the pair whose way to Postgres is noted.

use async_nats::Client;
use data_source::DatasetStore;
use model::Builtin;
use recorder::Recorder;
use sources::Sources;
use url::Url;

use super::{Harness, Place, Service, embedder, service, service::Serving, sources};

/// A way to the databases that is noted.
pub(crate) struct Recorded {
    pub recorder: Recorder,
    /// That lead that way.
    pub sources: Sources,
}

impl Harness {
    /// Without a worker; all of it goes through the recorder.
    pub(crate) async fn recorded() -> (Self, Recorder) {
        let servers = dev::test_servers().await.expect("the test servers run");
        let place = Place::new(&servers.nats_url).await;
        let recorder = record(&place.database_url).await;
        let database_url = through(&place.database_url, &recorder);
        let dataset_url = through(&place.dataset_url, &recorder);
        (Self::at(Place { database_url, dataset_url, ..place }).await, recorder)
    }

    /// Another way to its databases, which is noted.
    pub(crate) async fn record(&self) -> Recorded {
        let recorder = record(&self.database_url).await;
        let db = storage::connect(&through(&self.database_url, &recorder), 10).await;
        let store = DatasetStore::connect(&through(&self.dataset_url, &recorder)).await;
        let store = store.expect("the store answers");
        Recorded { recorder, sources: sources(&db.expect("the database answers"), store) }
    }

    /// Starts an instance of the service that does nothing but what calls ask for.
    pub(crate) async fn service_on(&self, sources: &Sources, nats: &Client) -> Service {
        let (door, settings, limits) = (service::door(), service::settings(), service::limits());
        let serving = Serving { door, settings, limits, sweeps: false };
        Service::with(sources, nats, &self.names, embedder(Builtin), serving).await
    }
}

async fn record(url: &str) -> Recorder {
    let url: Url = url.parse().expect("the server's URL is valid");
    let address = (url.host_str().expect("a host"), url.port().unwrap_or(5432));
    Recorder::start(address).await.expect("a port is free")
}

fn through(url: &str, recorder: &Recorder) -> String {
    let mut url: Url = url.parse().expect("the server's URL is valid");
    url.set_ip_host(recorder.address().ip()).expect("it has a host");
    url.set_port(Some(recorder.address().port())).expect("it has a host");
    url.to_string()
}
