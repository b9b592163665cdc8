//! A browser's side: a subscription, and reading what is sent to it. It is written from the standards,
//! and shares no code with the crate.

use aes_gcm::aead::Aead;
use aes_gcm::{Aes128Gcm, KeyInit, Nonce};
use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use serde_json::{Value, json};
use settee_push::{Reach, Subscription};
use sha2::Sha256;

pub struct Browser {
    key: SecretKey,
    secret: [u8; 16],
}

impl Browser {
    pub fn new() -> Self {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).unwrap();
        Self { key: SecretKey::generate(), secret }
    }

    pub fn subscription(&self, endpoint: &str) -> Subscription {
        let json = json!({
            "endpoint": endpoint,
            "expirationTime": null,
            "keys": {
                "p256dh": BASE64URL_NOPAD.encode(&self.public()),
                "auth": BASE64URL_NOPAD.encode(&self.secret),
            },
        });
        Subscription::from_json_within(json.to_string().as_bytes(), Reach::Loopback).unwrap()
    }

    /// Decrypts a message (RFC 8188 and RFC 8291), and takes the padding off.
    pub fn read(&self, body: &[u8]) -> Vec<u8> {
        let (salt, rest) = body.split_at(16);
        let (size, rest) = rest.split_at(4);
        let size = u32::from_be_bytes(size.try_into().unwrap()) as usize;
        let (length, rest) = rest.split_first().unwrap();
        let (sender, sealed) = rest.split_at(usize::from(*length));
        assert!(sealed.len() <= size, "there is one record");
        let shared = self.key.diffie_hellman(&PublicKey::from_sec1_bytes(sender).unwrap());
        let mut input = [0; 32];
        Hkdf::<Sha256>::new(Some(&self.secret), shared.raw_secret_bytes())
            .expand(&[b"WebPush: info\0", &self.public()[..], sender].concat(), &mut input)
            .unwrap();
        let keys = Hkdf::<Sha256>::new(Some(salt), &input);
        let (mut key, mut nonce) = ([0; 16], [0; 12]);
        keys.expand(b"Content-Encoding: aes128gcm\0", &mut key).unwrap();
        keys.expand(b"Content-Encoding: nonce\0", &mut nonce).unwrap();
        let record = Aes128Gcm::new(&key.into()).decrypt(&Nonce::from(nonce), sealed).unwrap();
        let end = record.iter().rposition(|byte| *byte != 0).unwrap();
        assert_eq!(record[end], 2, "it is the last record");
        record[..end].to_vec()
    }

    fn public(&self) -> Vec<u8> {
        self.key.public_key().to_sec1_point(false).as_bytes().to_vec()
    }
}

/// What a push service checks of the header `Authorization` (RFC 8292): the claims, and the key that
/// signed them.
pub fn verify(authorization: &str) -> (Value, String) {
    let (token, key) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = Signature::from_slice(&decode(signature)).unwrap();
    let verifier = VerifyingKey::from_sec1_bytes(&decode(key)).unwrap();
    verifier.verify(signed.as_bytes(), &signature).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!(header, json!({ "typ": "JWT", "alg": "ES256" }));
    (serde_json::from_slice(&decode(claims)).unwrap(), key.to_owned())
}
