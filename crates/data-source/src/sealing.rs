//! Passwords at rest: sealed with a key from configuration and bound to the user
//! that they belong to, so that they are of no use in another user's row.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use chacha20poly1305::{
    AeadCore, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, OsRng, Payload, rand_core::RngCore},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::Error;

const VERSION: u8 = 1;
/// Version and key id.
const HEADER_LEN: usize = 2;
const NONCE_LEN: usize = 24;
/// What a key is used for besides sealing.
const DIGEST_LABEL: &[u8] = b"tertulia digest 1\0";

/// Seals with the first of its keys, opens with any of them.
///
/// A sealed secret is a version byte, the key's id, a nonce and the ciphertext
/// of XChaCha20-Poly1305.
#[derive(Clone)]
pub struct Sealer {
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: u8,
    cipher: XChaCha20Poly1305,
    mac: Hmac<Sha256>,
}

/// What is wrong with a configured list of keys.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    #[error("must be ID:BASE64KEY, or several of them with commas between")]
    Form,
    #[error("a key's id must be a number from 1 to 255")]
    Id,
    #[error("key {0} must be 32 bytes in base64")]
    Key(u8),
    #[error("key {0} is given twice")]
    Duplicate(u8),
}

impl Sealer {
    /// Seals a secret for its owner's row.
    pub fn seal(&self, owner: i64, secret: &str) -> Vec<u8> {
        let key = self.keys.first().expect("a sealer has at least one key");
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let aad = associated_data(key.id, owner);
        let ciphertext = key
            .cipher
            .encrypt(&nonce, Payload { msg: secret.as_bytes(), aad: &aad })
            .expect("a secret is far below the cipher's limit of 256 GiB");
        [&[VERSION, key.id], nonce.as_slice(), &ciphertext].concat()
    }

    /// Hashes of what may hold a secret, one with each key, the first key's first:
    /// without the keys nobody can try whether a secret fits.
    pub fn digests(&self, data: &[u8]) -> Vec<Vec<u8>> {
        let digest =
            |key: &Key| key.mac.clone().chain_update(data).finalize().into_bytes().to_vec();
        self.keys.iter().map(digest).collect()
    }

    /// The id of the key that it seals with.
    pub fn first_key(&self) -> u8 {
        self.keys.first().expect("a sealer has at least one key").id
    }

    /// Opens what was sealed for the same owner with one of the keys.
    pub fn open(&self, owner: i64, sealed: &[u8]) -> Result<String, Error> {
        let (&[version, id], rest) = sealed.split_first_chunk().ok_or(Error::Sealed)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(Error::Sealed)?;
        let key = self.keys.iter().find(|key| key.id == id && version == VERSION);
        let key = key.ok_or(Error::Sealed)?;

        let aad = associated_data(id, owner);
        let payload = Payload { msg: ciphertext, aad: &aad };
        let secret = key.cipher.decrypt(XNonce::from_slice(nonce), payload);
        String::from_utf8(secret.map_err(|_| Error::Sealed)?).map_err(|_| Error::Sealed)
    }
}

/// The id of the key that a secret was sealed with.
pub fn key_of(sealed: &[u8]) -> Option<u8> {
    sealed.get(1).copied()
}

fn associated_data(key_id: u8, owner: i64) -> [u8; HEADER_LEN + 8] {
    let mut data = [VERSION; HEADER_LEN + 8];
    data[1] = key_id;
    data[HEADER_LEN..].copy_from_slice(&owner.to_be_bytes());
    data
}

impl FromStr for Sealer {
    type Err = KeysError;

    fn from_str(text: &str) -> Result<Self, KeysError> {
        let mut keys: Vec<Key> = Vec::new();
        for entry in text.split(',') {
            let key = parse_key(entry.trim())?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(KeysError::Duplicate(key.id));
            }
            keys.push(key);
        }
        Ok(Self { keys })
    }
}

fn parse_key(entry: &str) -> Result<Key, KeysError> {
    let (id, key) = entry.split_once(':').ok_or(KeysError::Form)?;
    let id = id.parse().ok().filter(|&id| id != 0).ok_or(KeysError::Id)?;
    let key = BASE64_STANDARD.decode(key).map_err(|_| KeysError::Key(id))?;
    let cipher = XChaCha20Poly1305::new_from_slice(&key).map_err(|_| KeysError::Key(id))?;
    let mac = Hmac::new_from_slice(&key).map_err(|_| KeysError::Key(id))?;
    let mac = mac.chain_update(DIGEST_LABEL);
    Ok(Key { id, cipher, mac })
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<u8> = self.keys.iter().map(|key| key.id).collect();
        f.debug_struct("Sealer").field("key_ids", &ids).finish_non_exhaustive()
    }
}

/// Makes a password of 40 letters and digits, some 238 bits.
pub fn random_password() -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const LEN: usize = 40;
    // The largest multiple of 62 that fits a byte: above it, some characters
    // would be likelier than others.
    const LIMIT: u8 = 248;

    let mut password = String::with_capacity(LEN);
    while password.len() < LEN {
        let mut bytes = [0; 64];
        OsRng.fill_bytes(&mut bytes);
        let fair = bytes.iter().filter(|&&byte| byte < LIMIT);
        let letters = fair.map(|&byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        password.extend(letters.take(LEN - password.len()));
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const TWO: &str = "2:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn sealer(keys: &str) -> Sealer {
        keys.parse().unwrap()
    }

    #[test]
    fn what_was_sealed_opens_for_its_owner_alone() {
        let sealer = sealer(ONE);
        for secret in ["", "senha secreta", "пароль"] {
            let sealed = sealer.seal(7, secret);
            assert_eq!(sealer.open(7, &sealed).unwrap(), secret);
            assert!(matches!(sealer.open(8, &sealed), Err(Error::Sealed)));
        }
    }

    #[test]
    fn a_digest_tells_nothing_without_its_key_and_survives_a_rotation() {
        let (one, two) = (sealer(ONE), sealer(TWO));
        let rotated = sealer(&format!("{TWO},{ONE}"));

        assert_eq!(one.digests(b"a"), one.digests(b"a"));
        assert_ne!(one.digests(b"a"), one.digests(b"b"));
        assert_ne!(one.digests(b"a"), two.digests(b"a"));
        assert_eq!(rotated.digests(b"a"), [two.digests(b"a"), one.digests(b"a")].concat());
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let sealer = sealer(ONE);
        assert_ne!(sealer.seal(7, "secret"), sealer.seal(7, "secret"));
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let sealer = sealer(&format!("{ONE},{TWO}"));
        let sealed = sealer.seal(7, "secret");
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 3;
            assert!(matches!(sealer.open(7, &changed), Err(Error::Sealed)), "byte {index}");
            assert!(matches!(sealer.open(7, &sealed[..index]), Err(Error::Sealed)), "cut {index}");
        }
    }

    #[test]
    fn the_first_key_seals_and_older_ones_still_open() {
        let old = sealer(ONE).seal(7, "old");
        let rotated = sealer(&format!("{TWO},{ONE}"));
        assert_eq!(rotated.open(7, &old).unwrap(), "old");
        let new = rotated.seal(7, "new");
        assert_eq!((key_of(&old), key_of(&new), rotated.first_key()), (Some(1), Some(2), 2));
        assert!(matches!(sealer(TWO).open(7, &old), Err(Error::Sealed)));
    }

    #[test]
    fn a_bad_list_of_keys_says_what_is_wrong_with_it() {
        let check = |text: &str, expected| {
            assert_eq!(text.parse::<Sealer>().err(), Some(expected), "{text}");
        };
        check("", KeysError::Form);
        check("AAAA", KeysError::Form);
        check("0:AAAA", KeysError::Id);
        check("256:AAAA", KeysError::Id);
        check("3:AAAA", KeysError::Key(3));
        check("3:no base64", KeysError::Key(3));
        check(&format!("{ONE},{ONE}"), KeysError::Duplicate(1));
    }

    #[test]
    fn debug_output_has_no_key() {
        assert_eq!(format!("{:?}", sealer(ONE)), "Sealer { key_ids: [1], .. }");
    }

    #[test]
    fn random_passwords_are_long_plain_and_different() {
        let password = random_password();
        assert_eq!(password.len(), 40);
        assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(password, random_password());
    }
}
