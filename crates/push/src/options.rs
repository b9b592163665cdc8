//! How a message is delivered (RFC 8030).

use std::time::Duration;

use thiserror::Error;

/// Longest a push service is asked to keep a message. Some refuse more.
const LONGEST: Duration = Duration::from_hours(28 * 24);
/// Most letters of a topic.
const TOPIC_LIMIT: usize = 32;

/// How one message is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long the push service keeps the message for a browser that can't be reached, in whole
    /// seconds and at most 28 days. With zero it is delivered now or never.
    pub ttl: Duration,
    /// How much it is worth the device's battery.
    pub urgency: Urgency,
    /// A message takes the place of one with the same topic that wasn't delivered yet.
    pub topic: Option<Topic>,
}

impl Default for Options {
    /// It is kept for a day, with normal urgency, and replaces nothing.
    fn default() -> Self {
        let ttl = Duration::from_hours(24);
        Self { ttl, urgency: Urgency::default(), topic: None }
    }
}

impl Options {
    /// The header `TTL`.
    pub(crate) fn seconds(&self) -> u64 {
        self.ttl.min(LONGEST).as_secs()
    }
}

/// How urgent a message is (RFC 8030, section 5.3). A device that saves power may wait for less urgent
/// ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Urgency {
    /// When the device is charged and on Wi-Fi: advertisements.
    VeryLow,
    /// When it is charged or on Wi-Fi: news of topics.
    Low,
    /// On no charger and no Wi-Fi: a chat, a calendar.
    #[default]
    Normal,
    /// Even with a low battery: a call, an alert.
    High,
}

impl Urgency {
    /// The header `Urgency`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// Why something is no topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a topic has 1 to 32 letters of base64url")]
pub struct TopicError;

/// What a message can be replaced by (RFC 8030, section 5.4). The push service reads it, so it should
/// tell nothing of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic(String);

impl Topic {
    /// Checks a topic: 1 to 32 letters of the alphabet of base64url.
    pub fn new(topic: &str) -> Result<Self, TopicError> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_one = (1..=TOPIC_LIMIT).contains(&topic.len()) && topic.bytes().all(is_letter);
        if is_one { Ok(Self(topic.to_owned())) } else { Err(TopicError) }
    }

    /// The topic.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_short_words() {
        for good in ["a", "Upd-ate_1", &"x".repeat(32)] {
            assert_eq!(Topic::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "two words", "a=", "é", "a\r\nb", &"x".repeat(33)] {
            assert_eq!(Topic::new(bad), Err(TopicError), "{bad}");
        }
    }

    #[test]
    fn a_message_is_kept_for_four_weeks_at_most() {
        let kept = |ttl| Options { ttl, ..Options::default() }.seconds();
        assert_eq!(kept(Duration::ZERO), 0);
        assert_eq!(kept(Duration::from_millis(1999)), 1);
        assert_eq!(kept(Duration::MAX), 2_419_200);
    }
}
