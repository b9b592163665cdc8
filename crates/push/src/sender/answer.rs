//! What a push service's answer means.

use std::time::{Duration, SystemTime};

use hyper::header::{HeaderMap, RETRY_AFTER};
use hyper::http::response::Parts;

use super::SendError;

/// Longest wait that a service can ask for.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

pub(super) fn meaning(head: &Parts, now: SystemTime) -> Result<(), SendError> {
    match head.status.as_u16() {
        200..=299 => Ok(()),
        404 | 410 => Err(SendError::Gone),
        413 => Err(SendError::TooLong),
        408 | 425 | 429 | 500..=599 => Err(SendError::Later(wait(&head.headers, now))),
        status => Err(SendError::Refused(status)),
    }
}

/// `Retry-After` in seconds, or as a date (RFC 9110, section 10.2.3).
fn wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().ok()?)
    } else {
        // A date that is past says: at once.
        httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Response;
    use std::time::UNIX_EPOCH;

    fn waits(retry_after: &str) -> Option<Duration> {
        let response = Response::builder().status(503).header(RETRY_AFTER, retry_after);
        let (head, ()) = response.body(()).unwrap().into_parts();
        // Sun, 06 Nov 1994 08:49:37 GMT.
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        match meaning(&head, now) {
            Err(SendError::Later(wait)) => wait,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn waits_are_read_and_capped() {
        let seconds = Duration::from_secs;
        assert_eq!(waits("0"), Some(seconds(0)));
        assert_eq!(waits(" 120 "), Some(seconds(120)));
        assert_eq!(waits("86401"), Some(LONGEST_WAIT));
        assert_eq!(waits("18446744073709551615"), Some(LONGEST_WAIT));
        assert_eq!(waits("Sun, 06 Nov 1994 08:50:07 GMT"), Some(seconds(30)));
        assert_eq!(waits("Sun, 06 Nov 1994 08:00:00 GMT"), Some(seconds(0)));
        assert_eq!(waits("Sat, 06 Nov 2094 08:00:00 GMT"), Some(LONGEST_WAIT));
        for odd in ["", "-1", "1.5", "soon", "99999999999999999999999"] {
            assert_eq!(waits(odd), None, "{odd}");
        }
    }

    #[test]
    fn every_status_means_something() {
        for status in 200..=999_u16 {
            let (head, ()) = Response::builder().status(status).body(()).unwrap().into_parts();
            let expected = match status {
                200..=299 => Ok(()),
                404 | 410 => Err(SendError::Gone),
                413 => Err(SendError::TooLong),
                408 | 425 | 429 | 500..=599 => Err(SendError::Later(None)),
                _ => Err(SendError::Refused(status)),
            };
            assert_eq!(meaning(&head, UNIX_EPOCH), expected);
        }
    }
}
