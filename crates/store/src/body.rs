//! The contents of a revision: a JSON object in canonical form (RFC 8785).

use std::{fmt, sync::Arc};

use minicbor::{Decode, Decoder, Encode, Encoder, bytes::ByteSlice, decode, encode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::canonical::{self, Reader};

/// The maximum size of a body, in bytes of canonical JSON (1 MiB).
pub const BODY_LIMIT: usize = 1024 * 1024;
/// The maximum nesting of objects and arrays; the body itself is at depth 1.
pub const DEPTH_LIMIT: usize = 100;

/// A JSON object in canonical form (RFC 8785), so that equal bodies have equal bytes.
///
/// Numbers are IEEE doubles, as RFC 8785 demands: integers past 2⁵³ lose digits. A body has at most
/// [`BODY_LIMIT`] bytes and is nested at most [`DEPTH_LIMIT`] deep.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Arc<str>);

/// Why a value is not a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BodyError {
    /// It is another JSON value, or can't be serialised.
    #[error("a document's body is a JSON object")]
    NotAnObject,
    /// It has more than [`BODY_LIMIT`] bytes.
    #[error("a document's body has at most {BODY_LIMIT} bytes of JSON")]
    TooLarge,
    /// It is nested deeper than [`DEPTH_LIMIT`].
    #[error("a document's body is nested at most {DEPTH_LIMIT} deep")]
    TooDeep,
    /// CouchDB reserves top-level names with a leading underscore for the database. Nested objects
    /// may have them.
    #[error("a field of a document can't begin with an underscore")]
    Reserved,
    /// The bytes are not JSON, or not in the form that RFC 8785 prescribes. See
    /// [`Body::from_canonical`].
    #[error("a received body has to be canonical JSON")]
    NotCanonical,
}

impl Body {
    /// The canonical form of a value that serialises to a JSON object. Fails with
    /// [`BodyError::NotAnObject`], or as [`Body::new`] does.
    pub fn from_serialize(value: &impl Serialize) -> Result<Self, BodyError> {
        match serde_json::to_value(value) {
            Ok(Value::Object(fields)) => Self::new(fields),
            _ => Err(BodyError::NotAnObject),
        }
    }

    /// The canonical form of these fields. Fails with [`BodyError::Reserved`],
    /// [`BodyError::TooDeep`] or [`BodyError::TooLarge`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the caller has no further use for the fields"
    )]
    pub fn new(fields: Map<String, Value>) -> Result<Self, BodyError> {
        if fields.keys().any(|name| name.starts_with('_')) {
            return Err(BodyError::Reserved);
        }
        if fields.values().any(|value| depth_exceeds(value, DEPTH_LIMIT - 1)) {
            return Err(BodyError::TooDeep);
        }
        let json = canonical::to_string(&fields);
        if json.len() > BODY_LIMIT {
            return Err(BodyError::TooLarge);
        }
        Ok(Self(json.into()))
    }

    /// A body from received bytes. They have to be canonical already, because a revision's name is
    /// derived from them. Fails with any [`BodyError`].
    pub fn from_canonical(json: &[u8]) -> Result<Self, BodyError> {
        if json.len() > BODY_LIMIT {
            return Err(BodyError::TooLarge);
        }
        let json = str::from_utf8(json).map_err(|_| BodyError::NotCanonical)?;
        canonical::check(json)?;
        if !json.starts_with('{') {
            return Err(BodyError::NotAnObject);
        }
        if has_reserved_name(json) {
            return Err(BodyError::Reserved);
        }
        Ok(Self(json.into()))
    }

    /// A body from bytes that this program has written, without checking them again.
    pub(crate) fn from_trusted(json: &str) -> Self {
        Self(json.into())
    }

    /// `{}`, which is also the body of a deletion by [`Change::Delete`](crate::Change::Delete).
    pub fn empty() -> Self {
        Self("{}".into())
    }

    /// The canonical JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The fields, which are parsed at each call.
    pub fn fields(&self) -> Map<String, Value> {
        parsed(&self.0)
    }

    /// The body as a value of the program's own type, which is made from [`fields`](Self::fields). Fails if
    /// it is of another type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(self.fields())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<C> Encode<C> for Body {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.bytes(self.0.as_bytes())?.ok()
    }
}

/// Decodes bytes that this program has written: checks that they are a canonical object still. Received bytes
/// must go through [`Body::from_canonical`] instead, which also knows the limit of size
/// and the reserved names.
impl<'b, C> Decode<'b, C> for Body {
    fn decode(d: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let bytes: &ByteSlice = Decode::decode(d, c)?;
        let json = std::str::from_utf8(bytes).map_err(decode::Error::custom)?;
        if is_object(json) {
            Ok(Self::from_trusted(json))
        } else {
            Err(decode::Error::message("a body is a JSON object"))
        }
    }
}

fn is_object(json: &str) -> bool {
    json.starts_with('{') && canonical::check(json).is_ok()
}

/// See [`BodyError::Reserved`].
fn has_reserved_name(object: &str) -> bool {
    let mut has_one = false;
    // The text is canonical, so it is read to its end.
    let _ = Reader::new(object).fields(&mut |reader, name| {
        has_one |= name.unescaped()?.starts_with('_');
        reader.skip().map(drop)
    });
    has_one
}

/// Only a damaged disk has a body that is no object.
fn parsed(json: &str) -> Map<String, Value> {
    match canonical::parse(json) {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn depth_exceeds(value: &Value, limit: usize) -> bool {
    match value {
        Value::Array(items) => {
            limit == 0 || items.iter().any(|item| depth_exceeds(item, limit - 1))
        }
        Value::Object(fields) => {
            limit == 0 || fields.values().any(|item| depth_exceeds(item, limit - 1))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "callers pass literals")]
    fn body(value: Value) -> Result<Body, BodyError> {
        Body::from_serialize(&value)
    }

    #[test]
    fn bodies_are_canonical() {
        assert_eq!(body(json!({"b": 1.0, "a": "é"})).unwrap().as_str(), r#"{"a":"é","b":1}"#);
        assert!(Body::from_canonical(br#"{"a":1}"#).is_ok());
        assert_eq!(Body::from_canonical(br#"{"b":1,"a":2}"#), Err(BodyError::NotCanonical));
        assert_eq!(Body::from_canonical(br#"{"a": 1}"#), Err(BodyError::NotCanonical));
        assert_eq!(Body::from_canonical(b"[]"), Err(BodyError::NotAnObject));
        assert_eq!(Body::from_canonical(b"\xff"), Err(BodyError::NotCanonical));
    }

    #[test]
    fn bodies_have_limits() {
        assert_eq!(body(json!([])), Err(BodyError::NotAnObject));
        assert_eq!(body(json!({"_rev": 1})), Err(BodyError::Reserved));
        assert_eq!(body(json!({"a": "x".repeat(BODY_LIMIT)})), Err(BodyError::TooLarge));
        let mut deep = json!(1);
        for _ in 0..200 {
            deep = json!({"a": deep});
        }
        assert_eq!(body(deep), Err(BodyError::TooDeep));
    }

    #[test]
    fn what_is_stored_and_is_no_object_any_more_is_not_decoded() {
        let decode = |json: &[u8]| {
            let stored = minicbor::to_vec(minicbor::bytes::ByteVec::from(json.to_vec())).unwrap();
            minicbor::decode::<Body>(&stored)
        };
        let whole = r#"{"a":[1,"é"],"b":{"c":null}}"#;
        assert_eq!(decode(whole.as_bytes()).unwrap().as_str(), whole);
        let damaged: [&[u8]; 6] =
            [br#"x"a":1}"#, br#"{"a"z1}"#, br#"{"a":1"#, b"[1]", b"", b"{\xff}"];
        for json in damaged {
            assert!(decode(json).is_err(), "{json:?}");
        }
    }
}
