//! Frames that are compressed on their way. This is a matter between the two ends of a connection, which
//! agree on it by the name of the subprotocol; the machines see frames as they were.
//!
//! Each frame is compressed alone, as raw deflate (RFC 1951). So it tells nothing about another channel's,
//! and neither side keeps a window for each connection.

/// The first byte of a compressed frame. No other frame begins so.
pub const MARK: u8 = 0;
/// Frames of fewer bytes are sent as they are: what is live should wait for nothing.
pub const SHORTEST: usize = 1024;

#[cfg(feature = "compression")]
pub use native::{TooLong, compress, expand};

#[cfg(feature = "compression")]
mod native {
    use std::io::{Read, Write};

    use flate2::{Compression, bufread::DeflateDecoder, write::DeflateEncoder};

    use super::{MARK, SHORTEST};

    /// A frame is longer than the limit.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct TooLong;

    /// Compresses a frame. `None` if it is short, or doesn't become shorter.
    pub fn compress(frame: &[u8]) -> Option<Vec<u8>> {
        if frame.len() < SHORTEST {
            return None;
        }
        let mut encoder = DeflateEncoder::new(vec![MARK], Compression::fast());
        encoder.write_all(frame).ok()?;
        encoder.finish().ok().filter(|message| message.len() < frame.len())
    }

    /// The frame in a message, which may have `limit` bytes. `None` if the message is the frame itself, or
    /// is nothing that can be expanded, which is no frame either.
    pub fn expand(message: &[u8], limit: usize) -> Result<Option<Vec<u8>>, TooLong> {
        let Some((&MARK, compressed)) = message.split_first() else { return Ok(None) };
        let mut decoder = DeflateDecoder::new(compressed).take(limit as u64 + 1);
        let mut frame = Vec::new();
        let is_expanded = decoder.read_to_end(&mut frame).is_ok();
        if frame.len() > limit {
            return Err(TooLong);
        }
        let rest = decoder.into_inner().into_inner();
        Ok((is_expanded && rest.is_empty()).then_some(frame))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn frame() -> Vec<u8> {
            b"{\"title\":\"Bread\"}".repeat(200)
        }

        #[test]
        fn a_frame_comes_back_as_it_was() {
            let message = compress(&frame()).unwrap();
            assert!(message.len() < 200);
            assert_eq!(expand(&message, frame().len()), Ok(Some(frame())));
        }

        #[test]
        fn what_is_short_or_does_not_become_shorter_stays_as_it_is() {
            assert_eq!(compress(&[7; SHORTEST - 1]), None);
            // No byte of these follows from those before.
            let mut state = 1_u64;
            let noise = (0..4096).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            });
            assert_eq!(compress(&noise.collect::<Vec<_>>()), None);
            assert_eq!(expand(&[0x82, 3, 0xa0], 3), Ok(None));
        }

        #[test]
        fn a_frame_unfolds_to_no_more_than_the_limit() {
            let message = compress(&vec![7; 10_000_000]).unwrap();
            assert!(message.len() < 100_000);
            assert_eq!(expand(&message, 1_000_000), Err(TooLong));
        }

        #[test]
        fn what_cannot_be_expanded_is_no_frame() {
            let message = compress(&frame()).unwrap();
            let mut longer = message.clone();
            longer.push(0);
            for broken in
                [&message[..message.len() - 1], &longer, &[MARK], &[MARK, 0xff, 0xff], &[]]
            {
                assert_eq!(expand(broken, frame().len()), Ok(None));
            }
        }
    }
}
