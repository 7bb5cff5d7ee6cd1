//! Git's framing: lines with their length in front.
//!
//! Takes bytes, gives packets; pure and bounded. What the packets mean is left to others.

/// The longest packet that may exist, its length included.
pub const LONGEST: usize = 65520;

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A line or a piece of data, with its end of line if it had one.
    Data(&'a [u8]),
    /// The end of a list.
    Flush,
    /// The end of a section.
    Delimiter,
    /// The end of an answer.
    End,
}

/// The bytes are not packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPackets;

/// Takes the first packet off some bytes, with what it took of them; `None` where it is not whole.
pub fn first(bytes: &[u8]) -> Result<Option<(Packet<'_>, usize)>, NotPackets> {
    let Some(head) = bytes.get(..4) else {
        return if bytes.iter().all(u8::is_ascii_hexdigit) { Ok(None) } else { Err(NotPackets) };
    };
    if !head.iter().all(u8::is_ascii_hexdigit) {
        return Err(NotPackets);
    }
    let digits = std::str::from_utf8(head).map_err(|_| NotPackets)?;
    match usize::from_str_radix(digits, 16).map_err(|_| NotPackets)? {
        0 => Ok(Some((Packet::Flush, 4))),
        1 => Ok(Some((Packet::Delimiter, 4))),
        2 => Ok(Some((Packet::End, 4))),
        3 => Err(NotPackets),
        length if length > LONGEST => Err(NotPackets),
        length => Ok(bytes.get(4..length).map(|data| (Packet::Data(data), length))),
    }
}

/// Appends a packet of data.
///
/// # Panics
///
/// Where the text is longer than a packet can be; only short texts of our own are sent.
pub fn push(out: &mut Vec<u8>, data: &[u8]) {
    let length = data.len() + 4;
    assert!(length <= LONGEST, "only short packets are sent");
    out.extend_from_slice(format!("{length:04x}").as_bytes());
    out.extend_from_slice(data);
}

/// The packet that ends a list.
pub const FLUSH: &[u8] = b"0000";

/// The packet that ends a section.
pub const DELIMITER: &[u8] = b"0001";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_are_told_apart() {
        assert_eq!(first(b"0006a\nrest"), Ok(Some((Packet::Data(b"a\n"), 6))));
        assert_eq!(first(b"0004"), Ok(Some((Packet::Data(b""), 4))));
        assert_eq!(first(b"0000x"), Ok(Some((Packet::Flush, 4))));
        assert_eq!(first(b"0001"), Ok(Some((Packet::Delimiter, 4))));
        assert_eq!(first(b"0002"), Ok(Some((Packet::End, 4))));
    }

    #[test]
    fn a_packet_that_is_not_whole_is_waited_for() {
        for bytes in [&b""[..], b"00", b"0006a"] {
            assert_eq!(first(bytes), Ok(None), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_packet_is_refused_at_once() {
        for bytes in [&b"<h"[..], b"<html>", b"0003", b"ffff", b"+006ab", b" 006ab"] {
            assert_eq!(first(bytes), Err(NotPackets), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_read_beyond_their_end(bytes: Vec<u8>) {
            if let Ok(Some((_, taken))) = first(&bytes) {
                prop_assert!(taken <= bytes.len());
            }
        }

        #[test]
        fn what_was_pushed_comes_back(data in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let mut out = Vec::new();
            push(&mut out, &data);
            prop_assert_eq!(first(&out), Ok(Some((Packet::Data(&data), out.len()))));
        }
    }
}
