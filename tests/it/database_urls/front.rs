//! TLS before a Postgres server that was built without it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};
use tokio_rustls::TlsAcceptor;

/// A client's question whether the server speaks TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// One who signs certificates.
pub(super) struct Authority {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("valid parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("it can be signed").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a valid name");
        let signed = params.signed_by(&key, &self.issuer).expect("it can be signed");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports them")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(signed.der().to_vec())], key);
        TlsAcceptor::from(Arc::new(config.expect("the key is the certificate's")))
    }
}

/// Stops when dropped.
pub(super) struct Front {
    pub(super) port: u16,
    cleartext: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Front {
    pub(super) async fn start(authority: &Authority, name: &str, host: &str, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own_port = listener.local_addr().expect("a bound address").port();
        let (acceptor, server) = (authority.acceptor(name), format!("{host}:{port}"));
        let cleartext = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&cleartext);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, counter) = (acceptor.clone(), Arc::clone(&counter));
                let server = server.clone();
                tokio::spawn(async move {
                    let server = TcpStream::connect(server).await.expect("Postgres answers");
                    pass(client, server, &acceptor, &counter).await;
                });
            }
        });
        Self { port: own_port, cleartext, task: task.abort_handle() }
    }

    /// How many have logged in without TLS.
    pub(super) fn cleartext(&self) -> usize {
        self.cleartext.load(Ordering::SeqCst)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Clients that do not like the certificate go away; that is not ours to judge.
async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    acceptor: &TlsAcceptor,
    cleartext: &AtomicUsize,
) {
    let mut first = [0; SSL_REQUEST.len()];
    if client.read_exact(&mut first).await.is_err() {
        return;
    }
    if first != SSL_REQUEST {
        cleartext.fetch_add(1, Ordering::SeqCst);
        if server.write_all(&first).await.is_ok() {
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
        return;
    }
    if client.write_all(b"S").await.is_err() {
        return;
    }
    if let Ok(mut client) = acceptor.accept(client).await {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
