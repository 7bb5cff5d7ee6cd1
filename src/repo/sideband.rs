//! What a server says beside a pack: the reason why it gives up.
//!
//! Takes the bytes of an answer as they pass, gives the text of the band for errors, of which libgit2 keeps
//! nothing. Pure, and bounded. What is no framing is passed over; judging the pack is left to others.

/// The band on which a server says why it gives up.
const FATAL: u8 = 3;

/// The most of the text that is kept.
const MOST: usize = 4096;

/// Listens to one answer.
#[derive(Debug, Default)]
pub struct Sideband {
    head: Vec<u8>,
    /// How much of the packet is still to come, once its length is known.
    left: usize,
    /// Whether the first byte of the packet is still to come.
    begins: bool,
    is_fatal: bool,
    said: Vec<u8>,
    /// No packets: a pack without bands.
    is_over: bool,
}

impl Sideband {
    /// Listens to the next bytes; gives the reason once it was said whole.
    pub fn hear(&mut self, mut bytes: &[u8]) -> Option<String> {
        while !bytes.is_empty() && !self.is_over {
            if self.left == 0 {
                let more = bytes.len().min(4 - self.head.len());
                self.head.extend_from_slice(&bytes[..more]);
                bytes = &bytes[more..];
                if self.head.len() == 4 {
                    self.begin();
                }
                continue;
            }
            if std::mem::take(&mut self.begins) {
                self.is_fatal = bytes[0] == FATAL;
                (bytes, self.left) = (&bytes[1..], self.left - 1);
            }
            let length = bytes.len().min(self.left);
            if self.is_fatal {
                let room = MOST.saturating_sub(self.said.len()).min(length);
                self.said.extend_from_slice(&bytes[..room]);
            }
            (bytes, self.left) = (&bytes[length..], self.left - length);
            if self.left == 0 && self.is_fatal {
                return self.reason();
            }
        }
        None
    }

    /// The reason as far as it was said.
    pub fn reason(&self) -> Option<String> {
        let said = String::from_utf8_lossy(&self.said);
        (!said.trim().is_empty()).then(|| said.into_owned())
    }

    fn begin(&mut self) {
        let length = std::str::from_utf8(&self.head).ok();
        match length.and_then(|digits| usize::from_str_radix(digits, 16).ok()) {
            // The marks between packets, and one without anything in it.
            Some(0..=4) => {}
            Some(length) => (self.left, self.begins) = (length - 4, true),
            None => self.is_over = true,
        }
        self.head.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::pktline;

    fn answer(packets: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"0000".to_vec();
        for packet in packets {
            pktline::push(&mut bytes, packet);
        }
        bytes
    }

    #[test]
    fn what_is_said_on_the_third_band_is_heard_however_it_is_cut() {
        let bytes = answer(&[b"NAK\n", b"\x02Counting\n", b"\x01PACK\x03", b"\x03disk quota exceeded\n"]);
        for size in [1, 2, 3, 5, 7, 64, bytes.len()] {
            let mut sideband = Sideband::default();
            let heard: Vec<_> = bytes.chunks(size).filter_map(|piece| sideband.hear(piece)).collect();
            assert_eq!(heard, ["disk quota exceeded\n"], "in pieces of {size}");
        }
        let mut cut = Sideband::default();
        assert_eq!(cut.hear(&bytes[..bytes.len() - 4]), None);
        assert_eq!(cut.reason().as_deref(), Some("disk quota excee"));
    }

    #[test]
    fn a_pack_says_nothing_whatever_is_in_it() {
        for bytes in [
            answer(&[b"NAK\n", b"\x01PACK\x030008\x03abc", b"\x020008\x03abc", b"\x03"]),
            [&answer(&[b"NAK\n"])[..], b"PACK0009\x03abcd"].concat(),
            b"\xff\xff\xff\xff0009\x03abcd".to_vec(),
        ] {
            let mut sideband = Sideband::default();
            assert_eq!((sideband.hear(&bytes), sideband.reason()), (None, None));
        }
        let long = answer(&[&[FATAL; 9000]]);
        let mut sideband = Sideband::default();
        assert!(sideband.hear(&long).is_some_and(|said| said.len() == MOST));
    }
}
