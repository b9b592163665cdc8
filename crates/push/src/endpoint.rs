//! The address at which a push service takes messages for one subscription.

use hyper::Uri;
use thiserror::Error;
use url::{Host, Url};

use crate::Reach;

/// Longest address, in bytes. Push services' own have 150 to 500.
const LIMIT: usize = 1024;

/// Why nothing is sent to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It has more than 1,024 bytes.
    #[error("the endpoint is too long")]
    Length,
    /// It is no address of the web.
    #[error("the endpoint is no address of the web")]
    Form,
    /// It isn't `https:`.
    #[error("the endpoint isn't https")]
    Scheme,
    /// It has a user's name or a password in it.
    #[error("the endpoint has credentials in it")]
    Credentials,
    /// It is, or its name stands for, an address that isn't one of the public internet.
    #[error("the endpoint isn't on the public internet")]
    Address,
}

/// An endpoint. It is a capability: whoever knows its path can try to send, so it isn't shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    pub fn new(text: &str, reach: Reach) -> Result<Self, EndpointError> {
        if text.len() > LIMIT {
            return Err(EndpointError::Length);
        }
        let endpoint = Self(Url::parse(text).map_err(|_| EndpointError::Form)?);
        // Letters that aren't ASCII take more room now.
        if endpoint.0.as_str().len() > LIMIT {
            return Err(EndpointError::Length);
        }
        endpoint.check(reach)?;
        endpoint.uri()?;
        Ok(endpoint)
    }

    /// Whether a sender with this reach may send to it, as far as can be told without resolving its name.
    pub fn check(&self, reach: Reach) -> Result<(), EndpointError> {
        let host = self.0.host().ok_or(EndpointError::Form)?;
        let is_this_machine = match &host {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.to_canonical().is_loopback(),
            Host::Domain(name) => *name == "localhost",
        };
        let may_be_plain = reach == Reach::Loopback && is_this_machine;
        if self.0.scheme() != "https" && !(self.0.scheme() == "http" && may_be_plain) {
            return Err(EndpointError::Scheme);
        }
        if !self.0.username().is_empty() || self.0.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        let is_reached = match host {
            Host::Ipv4(address) => reach.includes(address.into()),
            Host::Ipv6(address) => reach.includes(address.into()),
            Host::Domain(_) => true,
        };
        if is_reached { Ok(()) } else { Err(EndpointError::Address) }
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and, unless it is the usual one, port.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The same for the HTTP client, which is stricter about some letters.
    pub fn uri(&self) -> Result<Uri, EndpointError> {
        self.as_str().parse().map_err(|_| EndpointError::Form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str, reach: Reach) -> Option<EndpointError> {
        Endpoint::new(text, reach).err()
    }

    #[test]
    fn endpoints_of_push_services_are_taken() {
        for text in [
            "https://fcm.googleapis.com/fcm/send/abc:DEF-123_x",
            "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
            "https://web.push.apple.com/QGxyz",
            "https://wns2-db5p.notify.windows.com/w/?token=BQYA%2f%3d",
            "https://push.example.org:8443/1",
            "https://[2600:1901:0:38d7::]/1",
            "https://8.8.8.8/1",
        ] {
            for reach in [Reach::Public, Reach::Loopback] {
                assert_eq!(Endpoint::new(text, reach).unwrap().as_str(), text);
            }
        }
        let with_port = Endpoint::new("https://Push.Example.org:443/1?x", Reach::Public).unwrap();
        assert_eq!(with_port.origin(), "https://push.example.org");
    }

    #[test]
    fn others_are_refused_with_the_reason() {
        use EndpointError::{Address, Credentials, Form, Length, Scheme};
        for (text, expected) in [
            ("", Form),
            ("/only/a/path", Form),
            ("https://", Form),
            ("https://exa mple.org/", Form),
            ("http://push.example.org/1", Scheme),
            ("http://127.0.0.1/1", Scheme),
            ("ftp://push.example.org/1", Scheme),
            ("file:///etc/passwd", Form),
            ("data:,x", Form),
            ("https://user@push.example.org/1", Credentials),
            ("https://:word@push.example.org/1", Credentials),
            ("https://10.0.0.1/1", Address),
            ("https://127.0.0.1:8080/1", Address),
            // Other ways to write 127.0.0.1 and 169.254.169.254.
            ("https://2130706433/1", Address),
            ("https://0x7f.1/1", Address),
            ("https://0177.0.0.1/1", Address),
            ("https://127.1/1", Address),
            ("https://127.0.0.1./1", Address),
            ("https://%31%32%37.0.0.1/1", Address),
            ("https://①②⑦.0.0.1/1", Address),
            ("https://169.254.169.254/latest/meta-data", Address),
            ("https://0xa9fea9fe/1", Address),
            ("https://[::1]/1", Address),
            ("https://[::]/1", Address),
            ("https://[::ffff:127.0.0.1]/1", Address),
            ("https://[fe80::1]/1", Address),
            ("https://[fd00::1]/1", Address),
        ] {
            assert_eq!(refusal(text, Reach::Public), Some(expected), "{text}");
        }
        let long = format!("https://push.example.org/{}", "a".repeat(1000));
        assert_eq!(refusal(&long, Reach::Public), Some(Length));
        let longer_than_it_looks = format!("https://push.example.org/{}", "é".repeat(200));
        assert_eq!(refusal(&longer_than_it_looks, Reach::Public), Some(Length));
    }

    #[test]
    fn tests_may_send_to_this_machine_and_no_other() {
        for text in ["http://127.0.0.1:1/1", "http://[::1]:1/1", "http://localhost:1/1"] {
            assert_eq!(refusal(text, Reach::Loopback), None, "{text}");
            assert_eq!(refusal(text, Reach::Public), Some(EndpointError::Scheme), "{text}");
        }
        assert_eq!(refusal("http://8.8.8.8/1", Reach::Loopback), Some(EndpointError::Scheme));
        assert_eq!(refusal("https://10.0.0.1/1", Reach::Loopback), Some(EndpointError::Address));
    }

    proptest! {
        #[test]
        fn the_client_connects_to_the_host_that_was_checked(
            text in "https://[a-z0-9.:@%\\[\\]\\\\/#?é|{}^\"-]{0,40}",
        ) {
            if let Ok(endpoint) = Endpoint::new(&text, Reach::Public) {
                let uri = endpoint.uri().unwrap();
                prop_assert_eq!(uri.host(), endpoint.0.host_str());
                prop_assert_eq!(uri.port_u16(), endpoint.0.port());
                prop_assert_eq!(uri.scheme_str(), Some("https"));
                // What is stored is read as the same.
                prop_assert!(Endpoint::new(endpoint.as_str(), Reach::Public).unwrap() == endpoint);
            }
        }
    }
}
