//! One word and the bytes behind it, with their lengths in front.
//!
//! Takes a word, gives bytes; takes the lengths that came, gives them checked. Waiting is left to either
//! end: the worker blocks, the agent does not.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::repo::worker::words::MOST_BYTES;

/// The most bytes of a word itself. A word holds some names and a short text.
const WORD_BYTES: usize = 256 * 1024;

/// How many bytes the two lengths take.
pub const LENGTHS: usize = 8;

/// The frame of a word.
pub fn of<W: Serialize>(word: &W, behind: &[u8]) -> io::Result<Vec<u8>> {
    let word = serde_json::to_vec(word)?;
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map(u32::to_be_bytes).map_err(io::Error::other);
    Ok([&length(&word)?, &length(behind)?, &word[..], behind].concat())
}

/// The lengths of a word and of what is behind it, where both may be.
pub fn lengths(head: [u8; LENGTHS]) -> io::Result<(usize, usize)> {
    let length =
        |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
    let (word, behind) = (length(0), length(4));
    if word > WORD_BYTES || behind > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    Ok((word, behind))
}

/// The word, and the bytes behind it.
pub fn word<W: DeserializeOwned>(mut bytes: Vec<u8>, length: usize) -> io::Result<(W, Vec<u8>)> {
    let behind = bytes.split_off(length);
    Ok((serde_json::from_slice(&bytes)?, behind))
}

/// Writes a frame, and waits.
pub fn write<W: Serialize>(mut to: impl Write, word: &W, behind: &[u8]) -> io::Result<()> {
    to.write_all(&of(word, behind)?)
}

/// Reads a frame, and waits.
pub fn read<W: DeserializeOwned>(mut from: impl Read) -> io::Result<(W, Vec<u8>)> {
    let mut head = [0; LENGTHS];
    from.read_exact(&mut head)?;
    let (length, behind) = lengths(head)?;
    let mut bytes = vec![0; length + behind];
    from.read_exact(&mut bytes)?;
    word(bytes, length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::repo::worker::words::{Ask, Tell};

    proptest! {
        #[test]
        fn what_was_written_is_read(name in ".*", behind: Vec<u8>) {
            let mut wire = Vec::new();
            write(&mut wire, &Tell::Mean { name: name.clone() }, &behind).expect("a frame");
            let (told, read): (Tell, _) = read(&wire[..]).expect("a frame");
            let Tell::Mean { name: told } = told else { panic!("{told:?}") };
            prop_assert_eq!(told, name);
            prop_assert_eq!(read, behind);
        }

        #[test]
        fn whatever_comes_is_a_word_or_an_error(bytes: Vec<u8>) {
            let read: io::Result<(Ask, _)> = read(&bytes[..]);
            prop_assert!(read.is_err());
        }
    }

    #[test]
    fn a_length_that_no_frame_has_is_refused_before_there_is_room_for_it() {
        for head in [[255, 255, 255, 255, 0, 0, 0, 0], [0, 0, 0, 2, 255, 255, 255, 255]] {
            assert!(lengths(head).is_err(), "{head:?}");
        }
        assert_eq!(lengths([0, 0, 0, 2, 0, 128, 0, 0]).expect("as much as may be"), (2, MOST_BYTES));
    }
}
