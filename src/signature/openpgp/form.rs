//! The forms of OpenPGP: a signature as `gpg` writes it, and certificates one after another.
//!
//! Takes bytes, gives packets in their places. The library reads the packets; what is here says which
//! are taken, and in what order. Nothing is passed over in silence, for the packet that is left out could
//! be the one that takes a key back. What the packets say is left to `rules`.

use std::collections::HashSet;
use std::io::Read as _;
use std::iter;

use pgp::armor::{self, BlockType, Dearmor};
use pgp::packet::{Packet, PacketParser, PublicKey, PublicSubkey, Signature, SubpacketData, UserId};
use pgp::types::KeyDetails as _;

use crate::model::signature::Object;
use crate::signature::refusal::Refusal;

/// The longest signature, in its armor; one by RSA with 8192 bits has a tenth of it.
const LONGEST: usize = 16 * 1024;

const HEADER: &str = "its armor has a line such as `Comment:` or `Version:`, which nothing signs: take `comment` and \
     `emit-version` out of gpg.conf";

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// A certificate: a key, what it says of itself, and the keys that belong to it.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The key that all of it hangs on.
    pub primary: PublicKey,
    /// What is signed of the key itself: revocations too, by whomever.
    pub own: Vec<Signature>,
    /// Names, and who signed each; a picture has none.
    pub users: Vec<(Option<UserId>, Vec<Signature>)>,
    /// More keys, and what is signed of each.
    pub subkeys: Vec<(PublicSubkey, Vec<Signature>)>,
}

/// Reads a signature. It must be written as it would be written here: whatever no signature covers has one
/// form, so that no byte can be changed without consequence.
pub fn signature(object: Object, text: &[u8]) -> Result<Signature, Refusal> {
    let unreadable = |why| Refusal::Unreadable { object, why };
    if text.len() > LONGEST {
        return Err(unreadable("it is too long"));
    }
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let text = match object {
        // GitHub writes an empty line behind it.
        Object::Commit => text.strip_suffix(b"\n").unwrap_or(text),
        Object::Tag => text,
    };
    let mut lines = text.split(|byte| *byte == b'\n');
    if lines.nth(1).is_some_and(|line| line.contains(&b':')) {
        return Err(unreadable(HEADER));
    }
    let bytes = dearmored(text).ok_or(unreadable("it is not armored as gpg does it"))?;
    let mut packets = PacketParser::new(bytes.as_slice());
    let Some(Ok(packet)) = packets.next() else { return Err(unreadable("its form is not known")) };
    if packets.next().is_some() {
        return Err(unreadable("there is more than one"));
    }
    let packets = [packet];
    let same = |checksum| {
        let mut written = Vec::new();
        armor::write(&packets.as_slice(), BlockType::Signature, &mut written, None, checksum).is_ok()
            && written.trim_ascii_end() == text
    };
    if !same(true) && !same(false) {
        return Err(unreadable("it is not as gpg writes it without options, with nothing around it"));
    }
    let [Packet::Signature(signature)] = packets else { return Err(unreadable("it is something else")) };
    let unsigned = signature.config().map(|config| config.unhashed_subpackets.as_slice());
    let names_the_key = |data: &SubpacketData| {
        matches!(data, SubpacketData::IssuerKeyId(_) | SubpacketData::IssuerFingerprint(_))
    };
    if unsigned.is_none_or(|parts| parts.iter().any(|part| part.is_critical || !names_the_key(&part.data))) {
        return Err(unreadable("it has parts that are not signed"));
    }
    Ok(signature)
}

/// Reads certificates, armored in one block or in several, or as they are.
pub fn certificates(file: &[u8]) -> Result<Vec<Certificate>, &'static str> {
    let mut bytes = Vec::new();
    match std::str::from_utf8(file).map(str::trim_ascii_start) {
        Ok(mut text) if text.starts_with("-----BEGIN") => {
            while !text.is_empty() {
                if !text.starts_with(BEGIN) {
                    return Err("something else than blocks of public keys is in it");
                }
                let end = text.find(END).ok_or("a block has no end")? + END.len();
                let (block, rest) = text.split_at(end);
                bytes.extend(dearmored(block.as_bytes()).ok_or("a block cannot be read")?);
                text = rest.trim_ascii_start();
            }
        }
        Ok(_) | Err(_) => bytes.extend_from_slice(file),
    }
    let mut certificates = Vec::new();
    for packet in PacketParser::new(bytes.as_slice()) {
        place(packet.map_err(|_| "a packet in it cannot be read")?, &mut certificates)?;
    }
    if certificates.is_empty() {
        return Err("no certificate is in it");
    }
    once(&certificates)?;
    Ok(certificates)
}

/// Refuses what is told twice: an older export beside a newer one has none of its revocations.
fn once(certificates: &[Certificate]) -> Result<(), &'static str> {
    let mut keys = HashSet::new();
    for Certificate { primary, own: _, users, subkeys } in certificates {
        let more = subkeys.iter().map(|(key, _)| key.fingerprint());
        if iter::once(primary.fingerprint()).chain(more).any(|key| !keys.insert(key)) {
            return Err("a key is in it twice; leave the older export out");
        }
        let mut names = HashSet::new();
        if users.iter().flat_map(|(name, _)| name).any(|name| !names.insert(name.id())) {
            return Err("a name is in one certificate twice");
        }
    }
    Ok(())
}

/// Puts a packet where it belongs: behind what came before it.
fn place(packet: Packet, certificates: &mut Vec<Certificate>) -> Result<(), &'static str> {
    const EARLY: &str = "it does not begin with a certificate";
    match packet {
        Packet::PublicKey(primary) => {
            let (own, users, subkeys) = (Vec::new(), Vec::new(), Vec::new());
            certificates.push(Certificate { primary, own, users, subkeys });
        }
        Packet::UserId(_) | Packet::UserAttribute(_) => {
            let certificate = certificates.last_mut().ok_or(EARLY)?;
            if !certificate.subkeys.is_empty() {
                return Err("a name stands behind a subkey");
            }
            let name = if let Packet::UserId(name) = packet { Some(name) } else { None };
            certificate.users.push((name, Vec::new()));
        }
        Packet::PublicSubkey(key) => {
            certificates.last_mut().ok_or(EARLY)?.subkeys.push((key, Vec::new()));
        }
        Packet::Signature(signature) => {
            if signature.config().is_none() {
                return Err("a signature in it is of a version that is not known");
            }
            let Certificate { primary: _, own, users, subkeys } = certificates.last_mut().ok_or(EARLY)?;
            let about = subkeys.last_mut().map(|(_, about)| about);
            let about = about.or_else(|| users.last_mut().map(|(_, about)| about));
            about.unwrap_or(own).push(signature);
        }
        Packet::SecretKey(_) | Packet::SecretSubkey(_) => return Err("a secret key is in it"),
        // They say nothing, by their definition.
        Packet::Marker(_) | Packet::Padding(_) | Packet::Trust(_) => {}
        _ => return Err("something else than certificates is in it"),
    }
    Ok(())
}

fn dearmored(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    Dearmor::new(text).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
