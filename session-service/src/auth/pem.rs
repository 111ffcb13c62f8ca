//! Public keys as PEM, as many as there are in a file.

use jsonwebtoken::{DecodingKey, jwk::Jwk};

use super::key::{Key, Unusable};

#[derive(Debug, thiserror::Error)]
pub(super) enum Invalid {
    #[error("it is no text")]
    NotText(#[from] std::str::Utf8Error),
    #[error("its PEM is cut off")]
    CutOff,
    #[error("it has a {0:?}; public keys are expected")]
    NotPublic(String),
    #[error("public key {0} of it can't be used")]
    Unusable(usize, #[source] Unusable),
}

/// Reads the keys, each of which must be usable.
pub(super) fn keys(document: &[u8]) -> Result<Vec<Key>, Invalid> {
    let mut rest = std::str::from_utf8(document)?;
    let mut keys = Vec::new();
    while let Some((_, block)) = rest.split_once("-----BEGIN ") {
        let (label, body) = block.split_once("-----").ok_or(Invalid::CutOff)?;
        if !matches!(label, "PUBLIC KEY" | "RSA PUBLIC KEY") {
            return Err(Invalid::NotPublic(label.to_owned()));
        }
        let end = format!("-----END {label}-----");
        let (body, after) = body.split_once(&end).ok_or(Invalid::CutOff)?;
        let key = key(&format!("-----BEGIN {label}-----{body}{end}"));
        keys.push(key.map_err(|error| Invalid::Unusable(keys.len() + 1, error))?);
        rest = after;
    }
    Ok(keys)
}

fn key(pem: &str) -> Result<Key, Unusable> {
    let pem = pem.as_bytes();
    let decoding = DecodingKey::from_ec_pem(pem)
        .or_else(|_| DecodingKey::from_ed_pem(pem))
        .or_else(|_| DecodingKey::from_rsa_pem(pem))?;
    Key::public(&Jwk::from_decoding_key(&decoding, None)?)
}
