//! Numbers in bodies are read and written by the browser where there is one, and alike elsewhere.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]
#![cfg(any(feature = "indexeddb", not(target_arch = "wasm32")))]

use settee_store::{Body, body::BodyError};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test_configure!(run_in_browser);

/// As RFC 8785 has them.
const RIGHT: [(&str, f64); 16] = [
    ("0", 0.0),
    ("-1", -1.0),
    ("10", 10.0),
    ("0.1", 0.1),
    ("-0.5", -0.5),
    ("4.35", 4.35),
    ("1e-7", 1e-7),
    ("0.000001", 0.000_001),
    ("1e+21", 1e21),
    ("100000000000000000000", 1e20),
    ("999999999999999", 999_999_999_999_999.0),
    ("1000000000000000", 1e15),
    ("9007199254740992", 9_007_199_254_740_992.0),
    ("18446744073709552000", 18_446_744_073_709_552_000.0),
    ("5e-324", 5e-324),
    ("1.7976931348623157e+308", f64::MAX),
];
const WRONG: [&str; 20] = [
    "-0",
    "1.0",
    "01",
    "-01",
    "1e21",
    "1E+21",
    ".5",
    "5.",
    "+1",
    "Infinity",
    "NaN",
    "1e400",
    "0x10",
    "1abc",
    "--1",
    "-",
    "",
    " 1",
    "9007199254740993",
    "0.30000000000000001",
];

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn numbers_are_the_same_everywhere() {
    for (text, number) in RIGHT {
        let json = format!("{{\"n\":{text}}}");
        let body = Body::from_canonical(json.as_bytes()).unwrap();
        assert_eq!(body.fields()["n"].as_f64(), Some(number), "{text}");
        assert_eq!(Body::new(body.fields()).unwrap().as_str(), json);
    }
    for text in WRONG {
        let json = format!("{{\"n\":{text}}}");
        assert_eq!(Body::from_canonical(json.as_bytes()), Err(BodyError::NotCanonical), "{text}");
    }
}
