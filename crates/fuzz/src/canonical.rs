//! Bodies: canonical JSON.

use serde_json::Value;
use settee_store::{Body, body::BodyError};

/// Interprets the bytes as JSON, canonical or not.
pub fn canonical(data: &[u8]) {
    let taken = Body::from_canonical(data);
    if let Ok(body) = &taken {
        assert_eq!(body.as_str().as_bytes(), data, "what is canonical stays as it is");
    }
    let Ok(value) = serde_json::from_slice::<Value>(data) else {
        assert!(taken.is_err(), "what is no JSON is no body");
        return;
    };
    let made = Body::from_serialize(&value);
    let Value::Object(fields) = value else {
        assert_eq!(made, Err(BodyError::NotAnObject));
        return;
    };
    assert_eq!(made, Body::new(fields.clone()), "both ways to a body are the same");
    let body = match made {
        Ok(body) => body,
        Err(error) => {
            assert!(!matches!(error, BodyError::NotAnObject | BodyError::NotCanonical));
            assert!(taken.is_err(), "what is beyond the limits is no body");
            return;
        }
    };
    assert_eq!(Body::from_canonical(body.as_str().as_bytes()), Ok(body.clone()));
    let read = body.fields();
    assert_eq!(Body::new(read.clone()), Ok(body), "the canonical form is a fixed point");
    assert!(same(&Value::Object(fields), &Value::Object(read)), "the values are the same");
}

/// Equality, with all numbers compared as doubles.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, one)| other.get(name).is_some_and(|it| same(one, it)))
        }
        _ => one == other,
    }
}
