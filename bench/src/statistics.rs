//! Median and percentiles.

use std::time::Duration;

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The median. NaN if there are no values.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

/// The value that `percent` of the values don't exceed. NaN if there are no values.
pub fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "the values are handed on as they are")]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=100_u8).rev().map(f64::from).collect();
        assert_eq!(median(&values), 51.0);
        assert_eq!(percentile(&values, 95), 96.0);
        assert_eq!(percentile(&values, 100), 100.0);
        assert_eq!(median(&[3.0]), 3.0);
        assert!(median(&[]).is_nan());
    }
}
