//! TLS, and mutual TLS, with certificates that are read again when their files change.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use arc_swap::ArcSwap;
use bootstrap::report;
use rustls::{
    RootCertStore, ServerConfig,
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{net::TcpStream, time};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How often the files are looked at, if nobody says.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Where the certificates are, as PEM.
#[derive(Clone, Debug)]
pub struct Files {
    /// The server's, with those between it and its root.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Those that clients' certificates must come from; without, clients need none.
    pub client_ca: Option<PathBuf>,
}

/// What the files say, as they are.
#[derive(Debug, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub struct Tls {
    files: Files,
    /// What the configuration was made of.
    used: Arc<Contents>,
    config: Arc<ArcSwap<ServerConfig>>,
}

impl Tls {
    pub fn read(files: Files) -> anyhow::Result<Self> {
        let used = contents(&files)?;
        let config = Arc::new(ArcSwap::from_pointee(configure(&used)?));
        Ok(Self { files, used: Arc::new(used), config })
    }

    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.config.load_full()).accept(stream).await
    }

    /// Looks every so often whether the files have changed, for ever, and reads them again
    /// then. What can't be used is not: the certificates before stay.
    pub async fn reload(mut self, every: Duration) {
        loop {
            time::sleep(every).await;
            let read = contents(&self.files);
            if read.as_ref().is_ok_and(|read| *read == *self.used) {
                continue;
            }
            match read.and_then(|read| Ok((configure(&read)?, read))) {
                Ok((config, read)) => {
                    self.config.store(Arc::new(config));
                    self.used = Arc::new(read);
                    tracing::info!("the TLS certificates were read again");
                }
                Err(error) => {
                    let error: &dyn std::error::Error = error.as_ref();
                    tracing::error!(error = %report(error), "the TLS certificates were not read");
                }
            }
        }
    }
}

fn contents(files: &Files) -> anyhow::Result<Contents> {
    let read = |file: &PathBuf| std::fs::read(file).with_context(|| file.display().to_string());
    Ok(Contents {
        certificate: read(&files.certificate).context("TLS_CERTIFICATE_FILE")?,
        key: read(&files.key).context("TLS_KEY_FILE")?,
        client_ca: files.client_ca.as_ref().map(read).transpose().context("TLS_CLIENT_CA_FILE")?,
    })
}

fn configure(contents: &Contents) -> anyhow::Result<ServerConfig> {
    let certificates = certificates(&contents.certificate).context("TLS_CERTIFICATE_FILE")?;
    let key = PrivateKeyDer::from_pem_slice(&contents.key).context("TLS_KEY_FILE")?;
    let clients = match &contents.client_ca {
        None => Arc::new(NoClientAuth) as Arc<dyn ClientCertVerifier>,
        Some(pem) => verifier(pem).context("TLS_CLIENT_CA_FILE")?,
    };
    let builder = ServerConfig::builder().with_client_cert_verifier(clients);
    let mut config = builder
        .with_single_cert(certificates, key)
        .context("TLS_CERTIFICATE_FILE and TLS_KEY_FILE")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?;
    anyhow::ensure!(!certificates.is_empty(), "there is no certificate in it");
    Ok(certificates)
}

fn verifier(pem: &[u8]) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate)?;
    }
    Ok(WebPkiClientVerifier::builder(Arc::new(roots)).build()?)
}
