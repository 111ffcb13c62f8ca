//! TLS as libpq's `sslmode` means it, with rustls and ring.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    Error,
    source::{SslMode, Tls},
};

/// Makes what speaks TLS to a server; it is not asked if the mode is `disable`.
pub(crate) fn connector(tls: &Tls) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = verifier(tls, &provider)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// How the driver negotiates; what it accepts is the verifier's.
pub(crate) fn negotiation(mode: SslMode) -> tokio_postgres::config::SslMode {
    use tokio_postgres::config::SslMode as Negotiation;
    match mode {
        SslMode::Disable => Negotiation::Disable,
        SslMode::Prefer => Negotiation::Prefer,
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Negotiation::Require,
    }
}

/// Checks of a certificate what the mode asks for.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// `None` accepts any certificate.
    chain: Option<Arc<WebPkiServerVerifier>>,
    checks_name: bool,
}

fn verifier(tls: &Tls, provider: &Arc<CryptoProvider>) -> Result<Verifier, Error> {
    let checks_chain = match tls.mode {
        SslMode::Disable | SslMode::Prefer => false,
        SslMode::Require => tls.ca_pem.is_some(),
        SslMode::VerifyCa | SslMode::VerifyFull => true,
    };
    let chain =
        checks_chain.then(|| chain_verifier(tls.ca_pem.as_deref(), provider)).transpose()?;
    let checks_name = tls.mode == SslMode::VerifyFull;
    Ok(Verifier { provider: Arc::clone(provider), chain, checks_name })
}

fn chain_verifier(
    ca_pem: Option<&str>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let roots = match ca_pem {
        Some(pem) => Arc::new(roots_of(pem)?),
        None => system_roots(),
    };
    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
        .build()
        .map_err(|_| Error::CaUnreadable)
}

/// Whether certificates can be read from `pem`.
pub fn is_readable_ca(pem: &str) -> bool {
    roots_of(pem).is_ok()
}

fn roots_of(pem: &str) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| Error::CaUnreadable)?;
        roots.add(certificate).map_err(|_| Error::CaUnreadable)?;
    }
    if roots.is_empty() { Err(Error::CaUnreadable) } else { Ok(roots) }
}

fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let load = || {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    };
    Arc::clone(ROOTS.get_or_init(load))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is the last thing checked: the chain is good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(mode: SslMode, ca_pem: Option<&str>) -> Tls {
        Tls { mode, ca_pem: ca_pem.map(str::to_owned) }
    }

    #[test]
    fn certificates_that_can_not_be_read_are_refused_where_they_count() {
        for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
                let refused = connector(&tls(mode, Some(pem))).err();
                assert!(matches!(refused, Some(Error::CaUnreadable)), "{mode}: {pem:?}");
            }
            assert!(connector(&tls(SslMode::Prefer, Some(pem))).is_ok());
        }
    }

    #[test]
    fn only_the_verifying_modes_look_at_the_chain() {
        let provider = Arc::new(ring::default_provider());
        for mode in [SslMode::Disable, SslMode::Prefer, SslMode::Require] {
            assert!(verifier(&tls(mode, None), &provider).unwrap().chain.is_none(), "{mode}");
        }
    }
}
