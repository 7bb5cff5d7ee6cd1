//! A first line that says what a file is and has a digest of the rest.
//!
//! Takes bytes, gives them under it, and the other way round. The digest is over every byte behind the line, and the
//! line has one form only: of bytes that were changed or cut off nothing is taken.

use ring::digest;

use crate::kept::error::Doubt;

/// What a file is, in this version.
#[derive(Debug, Clone, Copy)]
pub struct Seal {
    /// What is in it.
    pub what: &'static str,
    /// The form that this version reads and writes.
    pub format: u32,
}

impl Seal {
    /// Puts the line in front.
    pub fn put(self, body: &[u8]) -> Vec<u8> {
        let mut bytes = self.line(body).into_bytes();
        bytes.extend(body);
        bytes
    }

    /// What stands behind the line, where it is as it was written.
    pub fn take(self, bytes: &[u8]) -> Result<&[u8], Doubt> {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Doubt::Damaged)?;
        let (line, body) = bytes.split_at(end + 1);
        if line == self.line(body).as_bytes() {
            return Ok(body);
        }
        let begins = self.begins();
        let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(&begins));
        let format = line.and_then(|rest| rest.split(',').next()?.parse::<u32>().ok());
        let is_other = format.is_some_and(|format| format != self.format);
        Err(if is_other { Doubt::Version } else { Doubt::Damaged })
    }

    fn begins(self) -> String {
        format!("tagalong {}, format ", self.what)
    }

    fn line(self, body: &[u8]) -> String {
        let digest = digest::digest(&digest::SHA256, body);
        format!("{}{}, sha256 {}\n", self.begins(), self.format, hexadecimal(digest.as_ref()))
    }
}

/// Writes bytes as pairs of digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
