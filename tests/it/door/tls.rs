//! TLS, and mutual TLS.

use std::{path::Path, time::Duration};

use proto::v1 as pb;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use session_service::{
    server::Settings,
    tls::{Files, Tls},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{self, Instant},
};
use tonic::{
    Code, Response, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Identity},
};

use crate::harness::{Expect as _, Harness, Service, door, eventually, settings};

/// How often the files are looked at, in tests.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One who signs certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

struct Signed {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("valid parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("it can be signed").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, name: &str) -> Signed {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a valid name");
        let certificate = params.signed_by(&key, &self.issuer).expect("it can be signed").pem();
        Signed { certificate, key: key.serialize_pem() }
    }
}

/// The files of a service.
struct Folder(TempDir);

impl Folder {
    fn new(signed: &Signed, client_ca: Option<&Authority>) -> Self {
        let folder = Self(TempDir::new().expect("a folder"));
        folder.write(signed);
        if let Some(authority) = client_ca {
            write(&folder.0.path().join("clients.pem"), &authority.pem);
        }
        folder
    }

    fn write(&self, signed: &Signed) {
        write(&self.0.path().join("certificate.pem"), &signed.certificate);
        write(&self.0.path().join("key.pem"), &signed.key);
    }

    fn files(&self) -> Files {
        let path = |name| self.0.path().join(name);
        let client_ca = Some(path("clients.pem")).filter(|it| it.exists());
        Files { certificate: path("certificate.pem"), key: path("key.pem"), client_ca }
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("it can be written");
}

async fn serve(harness: &Harness, folder: &Folder) -> Service {
    let tls = Tls::read(folder.files()).expect("the files are right");
    tokio::spawn(tls.clone().reload(LOOK_EVERY));
    harness.service_behind(door(), Settings { tls: Some(tls), ..settings() }).await
}

fn trusting(authority: &Authority) -> ClientTlsConfig {
    ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&authority.pem))
        .domain_name("tertulia.test")
}

/// Asks over a connection of its own.
async fn ask(
    service: &Service,
    tls: ClientTlsConfig,
) -> Result<Response<pb::ListSessionsResponse>, Status> {
    let endpoint = Channel::from_shared(format!("https://{}", service.address()));
    let endpoint = endpoint.expect("a URL").tls_config(tls).expect("a valid configuration");
    let api = service.api_over(endpoint.connect_lazy(), 1);
    api.sessions.clone().list_sessions(pb::ListSessionsRequest::default()).await
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_gets_in_and_another_refuses() {
    let harness = Harness::without_worker().await;
    let (ours, other) = (Authority::new(), Authority::new());
    let folder = Folder::new(&ours.sign("tertulia.test"), None);
    let service = serve(&harness, &folder).await;

    ask(&service, trusting(&ours)).await.ok_response();

    let refused = ask(&service, trusting(&other)).await.expect_err("the client refuses");
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    let misled = trusting(&ours).domain_name("elsewhere.test");
    ask(&service, misled).await.expect_err("the client refuses");
}

#[tokio::test]
async fn where_clients_need_a_certificate_it_has_to_be_the_right_one() {
    let harness = Harness::without_worker().await;
    let (ours, clients, other) = (Authority::new(), Authority::new(), Authority::new());
    let folder = Folder::new(&ours.sign("tertulia.test"), Some(&clients));
    let service = serve(&harness, &folder).await;
    let with = |authority: &Authority| {
        let Signed { certificate, key } = authority.sign("client.test");
        trusting(&ours).identity(Identity::from_pem(certificate, key))
    };

    ask(&service, with(&clients)).await.ok_response();

    ask(&service, with(&other)).await.expect_err("it is somebody else's");
    ask(&service, trusting(&ours)).await.expect_err("it has none");
}

#[tokio::test]
async fn new_certificates_are_taken_on_without_a_restart_and_bad_ones_are_not() {
    let harness = Harness::without_worker().await;
    let (before, after) = (Authority::new(), Authority::new());
    let folder = Folder::new(&before.sign("tertulia.test"), None);
    let service = serve(&harness, &folder).await;
    let is_taken = async |authority: &Authority| ask(&service, trusting(authority)).await.is_ok();
    assert!(is_taken(&before).await);

    let mut broken = after.sign("tertulia.test");
    broken.key = before.sign("tertulia.test").key;
    folder.write(&broken);
    time::sleep(LOOK_EVERY * 10).await;
    assert!(is_taken(&before).await, "what can't be used is not");
    folder.write(&Signed { certificate: "garbage".to_owned(), key: String::new() });
    time::sleep(LOOK_EVERY * 10).await;
    assert!(is_taken(&before).await, "what can't be used is not");

    folder.write(&after.sign("tertulia.test"));
    eventually("the new certificate", async || is_taken(&after).await.then_some(())).await;
    assert!(!is_taken(&before).await);
}

#[test]
fn what_can_not_be_used_is_refused_by_the_variables_name() {
    let authority = Authority::new();
    let refused = |change: &dyn Fn(&mut Files)| {
        let folder = Folder::new(&authority.sign("tertulia.test"), Some(&authority));
        write(&folder.0.path().join("garbage.pem"), "garbage");
        let mut files = folder.files();
        change(&mut files);
        format!("{:#}", Tls::read(files).expect_err("it can't be used"))
    };
    let garbage = |file: &Path| file.with_file_name("garbage.pem");
    let missing = |file: &Path| file.with_file_name("missing.pem");

    for (error, variable) in [
        (refused(&|it| it.certificate = garbage(&it.certificate)), "TLS_CERTIFICATE_FILE"),
        (refused(&|it| it.certificate = missing(&it.certificate)), "TLS_CERTIFICATE_FILE"),
        (refused(&|it| it.key = garbage(&it.key)), "TLS_KEY_FILE"),
        (refused(&|it| it.key = missing(&it.key)), "TLS_KEY_FILE"),
        (refused(&|it| it.client_ca = Some(garbage(&it.key))), "TLS_CLIENT_CA_FILE"),
        (refused(&|it| it.client_ca = Some(missing(&it.key))), "TLS_CLIENT_CA_FILE"),
    ] {
        assert!(error.starts_with(variable), "{error}");
    }
}

#[tokio::test]
async fn both_versions_of_http_can_be_agreed_on() {
    let harness = Harness::without_worker().await;
    let authority = Authority::new();
    let folder = Folder::new(&authority.sign("localhost"), None);
    let service = serve(&harness, &folder).await;
    let root = reqwest::Certificate::from_pem(authority.pem.as_bytes()).expect("a certificate");
    let builder = || reqwest::Client::builder().tls_certs_only([root.clone()]);
    let (two, one) = (builder().build().unwrap(), builder().http1_only().build().unwrap());
    let url = format!("https://localhost:{}/", service.address().port());

    let (two, one) = (two.get(&url).send().await.unwrap(), one.get(&url).send().await.unwrap());

    assert_eq!((two.version(), two.status().as_u16()), (http::Version::HTTP_2, 405));
    assert_eq!((one.version(), one.status().as_u16()), (http::Version::HTTP_11, 405));
}

#[tokio::test]
async fn one_who_speaks_no_tls_is_hung_up_on() {
    let harness = Harness::without_worker().await;
    let folder = Folder::new(&Authority::new().sign("tertulia.test"), None);
    let service = serve(&harness, &folder).await;

    for said in ["GET / HTTP/1.1\r\nhost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = TcpStream::connect(service.address()).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let hung_up = time::timeout(Duration::from_secs(5), stream.read_to_end(&mut heard)).await;
        // It may be closed rudely.
        let _ = hung_up.expect("it is hung up on");
        assert!(heard.len() < 16, "an alert at most: {heard:?}");
    }
}

#[tokio::test]
async fn one_who_never_agrees_on_tls_is_hung_up_on_and_holds_up_no_stop() {
    let harness = Harness::without_worker().await;
    let folder = Folder::new(&Authority::new().sign("tertulia.test"), None);
    let tls = Tls::read(folder.files()).unwrap();
    let mut settings = Settings { tls: Some(tls), ..settings() };
    settings.connections.handshake = Duration::from_secs(1);
    let service = harness.service_behind(door(), settings.clone()).await;
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    // The beginning of a greeting.
    stream.write_all(&[0x16, 3, 1, 2, 0]).await.unwrap();
    let began_at = Instant::now();
    let _ = stream.read_to_end(&mut Vec::new()).await;
    let took = began_at.elapsed();
    assert!((Duration::from_millis(500)..Duration::from_secs(2)).contains(&took), "{took:?}");

    settings.connections.handshake = Duration::from_secs(60);
    let service = harness.service_behind(door(), settings).await;
    let _open = TcpStream::connect(service.address()).await.unwrap();
    // It is accepted before this one.
    assert!(ask(&service, trusting(&Authority::new())).await.is_err());
    assert!(service.stop().await < Duration::from_secs(5));
}
