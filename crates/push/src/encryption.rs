//! Messages that only one browser reads (RFC 8291), as one record of `aes128gcm` (RFC 8188).

use aes_gcm::aead::Aead;
use aes_gcm::{Aes128Gcm, KeyInit, Nonce};
use hkdf::Hkdf;
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use sha2::Sha256;

/// Longest payload, in bytes: push services take 4,096 with header, delimiter and tag (RFC 8291, section 4).
pub const PAYLOAD_LIMIT: usize = 3993;

/// Payloads are padded to multiples of this, so that their lengths tell little.
const PADDED_TO: usize = 128;
/// Ends the payload of the last record, and the padding follows (RFC 8188, section 2).
const LAST_RECORD: u8 = 2;
/// The record's size as the header says it. Ours is the only one, and shorter.
const RECORD_SIZE: u32 = 4096;
const SALT_SIZE: usize = 16;

/// Who can read a message.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub key: PublicKey,
    pub secret: [u8; 16],
}

/// The body of a request. `None` if the payload is too long.
pub(crate) fn encrypt(payload: &[u8], recipient: &Recipient) -> Option<Vec<u8>> {
    let record = padded(payload)?;
    let mut salt = [0; SALT_SIZE];
    // Going on without randomness would send what can be read.
    getrandom::fill(&mut salt).expect("the platform has a source of randomness");
    Some(seal(&record, recipient, &SecretKey::generate(), salt))
}

/// The payload with its delimiter and padding.
fn padded(payload: &[u8]) -> Option<Vec<u8>> {
    if payload.len() > PAYLOAD_LIMIT {
        return None;
    }
    let mut record = payload.to_vec();
    record.push(LAST_RECORD);
    record.resize(record.len().next_multiple_of(PADDED_TO).min(PAYLOAD_LIMIT + 1), 0);
    Some(record)
}

/// Encrypts a record. A sender's key and a salt are used once.
fn seal(
    record: &[u8],
    recipient: &Recipient,
    sender: &SecretKey,
    salt: [u8; SALT_SIZE],
) -> Vec<u8> {
    let theirs = recipient.key.to_sec1_point(false);
    let ours = sender.public_key().to_sec1_point(false);
    // RFC 8291, section 3.3: the shared secret, mixed with the subscription's.
    let shared = sender.diffie_hellman(&recipient.key);
    let info = [b"WebPush: info\0", theirs.as_bytes(), ours.as_bytes()].concat();
    let input: [u8; 32] = expand(&recipient.secret, shared.raw_secret_bytes(), &info);
    // RFC 8188, sections 2.2 and 2.3. The first record's number is 0, which leaves the nonce as it is.
    let key: [u8; 16] = expand(&salt, &input, b"Content-Encoding: aes128gcm\0");
    let nonce: [u8; 12] = expand(&salt, &input, b"Content-Encoding: nonce\0");
    let sealed = Aes128Gcm::new(&key.into()).encrypt(&Nonce::from(nonce), record);
    let sealed = sealed.expect("only records of 64 GB are too long");
    let size = RECORD_SIZE.to_be_bytes();
    // The header: salt, size, and the sender's key, which has 65 bytes.
    [&salt[..], &size, &[65], ours.as_bytes(), &sealed].concat()
}

fn expand<const N: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> [u8; N] {
    let mut output = [0; N];
    let derived = Hkdf::<Sha256>::new(Some(salt), input).expand(info, &mut output);
    derived.expect("so few bytes can be derived");
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64URL_NOPAD;

    fn decode(text: &str) -> Vec<u8> {
        BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
    }

    /// RFC 8291, appendix A.
    #[test]
    fn it_encrypts_as_the_standard_does() {
        let key = decode(
            "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        );
        let recipient = Recipient {
            key: PublicKey::from_sec1_bytes(&key).unwrap(),
            secret: decode("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap(),
        };
        let sender =
            SecretKey::from_slice(&decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let salt = decode("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let record = b"When I grow up, I want to be a watermelon\x02";
        let expected = concat!(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmY",
            "WAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexS",
            "gSxsj_Qulcy4a-fN",
        );
        assert_eq!(BASE64URL_NOPAD.encode(&seal(record, &recipient, &sender, salt)), expected);
    }

    #[test]
    fn lengths_tell_little() {
        for (length, expected) in [(0, 128), (1, 128), (127, 128), (128, 256), (3967, 3968)] {
            let record = padded(&vec![7; length]).unwrap();
            assert_eq!(record.len(), expected, "{length}");
            assert_eq!(record[length], LAST_RECORD);
            assert!(record[length + 1..].iter().all(|byte| *byte == 0));
        }
        assert_eq!(padded(&[0; 3968]).unwrap().len(), PAYLOAD_LIMIT + 1);
        assert_eq!(padded(&[0; PAYLOAD_LIMIT]).unwrap().len(), PAYLOAD_LIMIT + 1);
        assert_eq!(padded(&[0; PAYLOAD_LIMIT + 1]), None);
    }

    #[test]
    fn the_longest_body_is_what_push_services_take() {
        let recipient = Recipient { key: SecretKey::generate().public_key(), secret: [1; 16] };
        assert_eq!(encrypt(&[0; PAYLOAD_LIMIT], &recipient).unwrap().len(), 4096);
        let again = || encrypt(b"", &recipient).unwrap();
        assert_ne!(again(), again(), "salt and key are new for each");
    }
}
