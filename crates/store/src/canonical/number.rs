//! Numbers. RFC 8785 treats all of them as doubles, and writes them as JavaScript does.

use std::fmt::Write;

use serde_json::Number;

/// Integers up to here are exact as doubles, and are written alike.
const SAFE_INTEGER: u64 = 1 << 53;
/// Integers with so many digits are below that.
const SAFE_DIGITS: usize = 15;

pub fn write(number: &Number, text: &mut String) {
    if let Some(integer) = number.as_u64().filter(|integer| *integer <= SAFE_INTEGER) {
        // Writing to a string can't fail.
        let _ = write!(text, "{integer}");
    } else {
        // JSON numbers are finite.
        text.push_str(&doubles::write(number.as_f64().unwrap_or_default()));
    }
}

/// The number in a text that is canonical. In any other text it may be another one.
pub fn read(text: &str) -> Option<Number> {
    let integer = || text.parse().map(u64::into).or_else(|_| text.parse().map(i64::into));
    integer().ok().or_else(|| Number::from_f64(doubles::read(text)?))
}

pub fn is_canonical(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_short = digits.len() <= SAFE_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_short && !digits.is_empty() && !digits.starts_with('0') {
        return true;
    }
    let double = doubles::read(text).filter(|double| double.is_finite());
    double.is_some_and(|double| doubles::write(double) == text)
}

/// A browser has all of this, and an app needs not bring it again.
#[cfg(all(target_arch = "wasm32", feature = "indexeddb"))]
mod doubles {
    use js_sys::{JsString, Number};

    const DECIMAL: u8 = 10;

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere a text may be no number")]
    pub fn read(text: &str) -> Option<f64> {
        Some(js_sys::parse_float(text))
    }

    pub fn write(double: f64) -> String {
        // It fails only for another base.
        Number::from(double)
            .to_string_with_radix(DECIMAL)
            .map(|text: JsString| text.into())
            .unwrap_or_default()
    }
}

#[cfg(not(all(target_arch = "wasm32", feature = "indexeddb")))]
mod doubles {
    pub fn read(text: &str) -> Option<f64> {
        text.parse().ok()
    }

    pub fn write(double: f64) -> String {
        ryu_js::Buffer::new().format(double).to_owned()
    }
}
