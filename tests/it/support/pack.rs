//! Packs as no honest server makes them, byte by byte.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use tagalong_testkit::git::repository::Repository as Origin;

/// What a file is called inside a pack.
pub const BLOB: u8 = 3;

/// What a change of an object before it is called.
pub const OFFSET_DELTA: u8 = 6;

/// The most bytes of one piece of a zlib stream that holds them as they are.
const PIECE: usize = 65_535;

/// A pack, object by object.
pub struct Pack {
    /// As far as it is made.
    pub bytes: Vec<u8>,
    /// Where each object begins.
    begins: Vec<usize>,
}

impl Pack {
    /// Claims to hold so many objects.
    pub fn of(objects: u32) -> Self {
        let bytes = [&b"PACK\0\0\0\x02"[..], &objects.to_be_bytes()].concat();
        Self { bytes, begins: Vec::new() }
    }

    /// Adds an object of a size, whose bytes are a zlib stream; of a delta, what it is a change of.
    pub fn with(mut self, kind: u8, size: usize, base: Option<usize>, stream: &[u8]) -> Self {
        let begin = self.bytes.len();
        let mut rest = size >> 4;
        let first = (kind << 4) | u8::try_from(size & 15).expect("four bits");
        self.bytes.push(first | if rest > 0 { 128 } else { 0 });
        while rest > 0 {
            let low = u8::try_from(rest & 127).expect("seven bits");
            rest >>= 7;
            self.bytes.push(low | if rest > 0 { 128 } else { 0 });
        }
        if let Some(base) = base {
            self.bytes.extend(distance(begin - self.begins[base]));
        }
        self.bytes.extend_from_slice(stream);
        self.begins.push(begin);
        self
    }

    /// Ends it with its digest.
    pub fn end(mut self) -> Vec<u8> {
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &self.bytes);
        self.bytes.extend_from_slice(digest.as_ref());
        self.bytes
    }
}

/// How far before itself a delta has its base, as packs write it.
fn distance(mut length: usize) -> Vec<u8> {
    let low = |length: usize| u8::try_from(length & 127).expect("seven bits");
    let mut bytes = vec![low(length)];
    while length > 127 {
        length = (length >> 7) - 1;
        bytes.insert(0, 128 | low(length));
    }
    bytes
}

/// A zlib stream that holds bytes as they are.
pub fn stored(bytes: &[u8]) -> Vec<u8> {
    let (mut one, mut two) = (1_u32, 0_u32);
    for byte in bytes {
        one = (one + u32::from(*byte)) % 65_521;
        two = (two + one) % 65_521;
    }
    let mut stream = vec![0x78, 0x01];
    let last = bytes.len().saturating_sub(1) / PIECE;
    for number in 0..=last {
        let piece = &bytes[number * PIECE..bytes.len().min((number + 1) * PIECE)];
        let length = u16::try_from(piece.len()).expect("one block");
        stream.push(u8::from(number == last));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(piece);
    }
    stream.extend_from_slice(&((two << 16) | one).to_be_bytes());
    stream
}

/// The zlib stream of many zeros, taken out of a pack of git's own.
pub fn zeros(origin: &Origin, count: usize) -> Result<Vec<u8>> {
    let git = |arguments: &[&str], input: &[u8]| -> Result<Vec<u8>> {
        let mut child = Command::new("git")
            .arg("-C")
            .arg(origin.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        child.stdin.take().context("a pipe")?.write_all(input)?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "git {arguments:?}");
        Ok(output.stdout)
    };
    let id = git(&["hash-object", "-w", "--stdin"], &vec![0; count])?;
    let pack = git(&["pack-objects", "--stdout"], &id)?;
    let sizes = pack[12..].iter().position(|byte| byte & 128 == 0).context("the size has an end")?;
    Ok(pack[12 + sizes + 1..pack.len() - 20].to_vec())
}

/// A delta that copies the whole of its base many times over.
pub fn copies(base: usize, times: usize) -> Vec<u8> {
    let piece = base.min(0xff_ffff);
    [length(base), length(piece * times), copy(0, piece).repeat(times)].concat()
}

/// A delta that puts a mark over the first bytes of its base, and leaves the rest.
pub fn marked(base: usize, mark: u32) -> Vec<u8> {
    [length(base), length(base), vec![4], mark.to_be_bytes().to_vec(), copy(4, base - 4)].concat()
}

/// How a delta writes a length.
fn length(mut rest: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(rest & 127).expect("seven bits");
        rest >>= 7;
        bytes.push(low | if rest > 0 { 128 } else { 0 });
        if rest == 0 {
            return bytes;
        }
    }
}

/// How a delta copies bytes of its base.
fn copy(from: u8, length: usize) -> Vec<u8> {
    let length = u32::try_from(length).expect("three bytes").to_le_bytes();
    vec![0x80 | 0x01 | 0x10 | 0x20 | 0x40, from, length[0], length[1], length[2]]
}

/// A few kilobytes that stand for hundreds of megabytes of one file.
pub fn swelling(origin: &Origin) -> Result<Vec<u8>> {
    let size = 15 * 1024 * 1024;
    let delta = copies(size, 40);
    let pack = Pack::of(2).with(BLOB, size, None, &zeros(origin, size)?);
    Ok(pack.with(OFFSET_DELTA, delta.len(), Some(0), &stored(&delta)).end())
}

/// A few kilobytes that keep a processor busy for a minute: each file is a change of the one before it, and each is too
/// large to be kept, so that all before it are made again.
pub fn busying(origin: &Origin) -> Result<Vec<u8>> {
    let (size, changes) = (2 * 1024 * 1024, 1_500_u32);
    let first = Pack::of(changes + 1).with(BLOB, size, None, &zeros(origin, size)?);
    let pack = (0..changes).fold(first, |pack, number| {
        let (delta, before) = (marked(size, number + 1), pack.begins.len() - 1);
        pack.with(OFFSET_DELTA, delta.len(), Some(before), &stored(&delta))
    });
    Ok(pack.end())
}

/// Files of bytes that nothing shortens, in MiB.
pub fn lengthy(sizes: &[usize]) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(5);
    let none = Pack::of(u32::try_from(sizes.len()).expect("a few"));
    let pack = sizes.iter().fold(none, |pack, size| {
        let mut bytes = vec![0; size * 1024 * 1024];
        random.fill(&mut bytes);
        pack.with(BLOB, bytes.len(), None, &stored(&bytes))
    });
    pack.end()
}

/// What a server sends with a pack after the head of its answer, where nothing is shallow.
pub fn in_packets(pack: &[u8]) -> Vec<u8> {
    let packet = |data: &[u8]| [format!("{:04x}", data.len() + 4).as_bytes(), data].concat();
    let pieces: Vec<u8> = pack.chunks(60_000).flat_map(|piece| packet(&[&[1], piece].concat())).collect();
    [packet(b"NAK\n"), pieces, b"0000".to_vec()].concat()
}
