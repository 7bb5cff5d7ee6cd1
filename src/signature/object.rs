//! A tag or commit object, taken apart into what was signed and the signature.
//!
//! Takes the raw bytes of an object, gives its parts as git would, and refuses what git would not
//! write. Whether the signature holds is left to `sshsig` and `openpgp`.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::model::signature::Object;
use crate::signature::refusal::Refusal;

/// The first lines of signatures. git takes the last of them in a tag.
const FORMS: [(&[u8], Form); 4] = [
    (b"-----BEGIN SSH SIGNATURE-----", Form::Ssh),
    (b"-----BEGIN PGP SIGNATURE-----", Form::OpenPgp),
    (b"-----BEGIN PGP MESSAGE-----", Form::Other("an OpenPGP message")),
    (b"-----BEGIN SIGNED MESSAGE-----", Form::Other("X.509")),
];

/// A form of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As `ssh-keygen` writes it.
    Ssh,
    /// As `gpg` writes it.
    OpenPgp,
    /// One that is never checked, by its name.
    Other(&'static str),
}

impl Form {
    /// The form of what begins here.
    fn of(text: &[u8]) -> Option<Self> {
        FORMS.iter().find(|(begin, _)| text.starts_with(begin)).map(|(_, form)| *form)
    }
}

/// What was signed, when that was said to be, and the signature.
#[derive(Debug)]
pub struct Seal<'a> {
    /// The bytes that were signed.
    pub payload: Cow<'a, [u8]>,
    /// The signature in its armor.
    pub armor: Cow<'a, [u8]>,
    /// The form of the signature.
    pub form: Form,
    /// The tagger's or committer's time.
    pub made: Timestamp,
}

/// A signed tag.
#[derive(Debug)]
pub struct Tag<'a> {
    /// The id of what it names.
    pub object: &'a [u8],
    /// The kind of what it names.
    pub kind: &'a [u8],
    /// Its own name.
    pub name: &'a [u8],
    /// Its signature.
    pub seal: Seal<'a>,
}

/// Takes a tag apart: four lines in their order, an empty one, the message, the signature.
pub fn tag(raw: &[u8]) -> Result<Tag<'_>, Refusal> {
    let malformed = |why| Refusal::Malformed { object: Object::Tag, why };
    let mut rest = raw;
    let mut header = |key: &[u8]| {
        let (line, after) = line(rest);
        rest = after;
        line.strip_prefix(key).and_then(|value| value.strip_prefix(b" "))
    };
    let object = header(b"object").ok_or(malformed("it names no object"))?;
    let kind = header(b"type").ok_or(malformed("it does not say what it names"))?;
    let name = header(b"tag").ok_or(malformed("it has no name"))?;
    let tagger = header(b"tagger").ok_or(malformed("it does not say who made it"))?;
    let made = moment(tagger).ok_or(malformed("it does not say when it was made"))?;
    if !rest.starts_with(b"\n") {
        return Err(malformed("it has more in its head"));
    }
    let (at, form) =
        signature_in(raw, raw.len() - rest.len()).ok_or(Refusal::Unsigned { object: Object::Tag })?;
    let seal = Seal { payload: Cow::Borrowed(&raw[..at]), armor: Cow::Borrowed(&raw[at..]), form, made };
    Ok(Tag { object, kind, name, seal })
}

/// Where the signature of a tag begins, and its form.
fn signature_in(raw: &[u8], message: usize) -> Option<(usize, Form)> {
    let mut at = message;
    let mut found = None;
    while at < raw.len() {
        let (here, after) = line(&raw[at..]);
        found = Form::of(here).map(|form| (at, form)).or(found);
        at = raw.len() - after.len();
    }
    found
}

/// Takes a commit apart: the signature is a field of its head, and what was signed is the rest.
pub fn commit(raw: &[u8]) -> Result<Seal<'_>, Refusal> {
    let object = Object::Commit;
    let malformed = |why| Refusal::Malformed { object, why };
    let mut payload = Vec::with_capacity(raw.len());
    let mut armor: Option<Vec<u8>> = None;
    let mut committer = None;
    let mut in_signature = false;
    let mut rest = raw;
    loop {
        if rest.is_empty() {
            return Err(malformed("its head does not end"));
        }
        if rest.starts_with(b"\n") {
            payload.extend_from_slice(rest);
            break;
        }
        let (here, after) = line(rest);
        let whole = &rest[..rest.len() - after.len()];
        rest = after;
        if let Some(more) = whole.strip_prefix(b" ").filter(|_| in_signature) {
            armor.get_or_insert_default().extend_from_slice(more);
            continue;
        }
        in_signature = false;
        if let Some(first) = whole.strip_prefix(b"gpgsig ") {
            if armor.is_some() {
                return Err(malformed("it has two signatures"));
            }
            armor = Some(first.to_vec());
            in_signature = true;
            continue;
        }
        if here.starts_with(b"gpgsig") {
            return Err(malformed("it has a signature for another kind of repository"));
        }
        if let Some(who) = here.strip_prefix(b"committer ")
            && committer.replace(who).is_some()
        {
            return Err(malformed("it has two committers"));
        }
        payload.extend_from_slice(whole);
    }
    let made = committer.and_then(moment).ok_or(malformed("it does not say when it was made"))?;
    let armor = armor.ok_or(Refusal::Unsigned { object })?;
    // What has no first line of its own is read as the one that is always known, and refused there.
    let form = Form::of(&armor).unwrap_or(Form::Ssh);
    Ok(Seal { payload: Cow::Owned(payload), armor: Cow::Owned(armor), form, made })
}

/// The first line without its end, and what comes after it.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[]),
    }
}

/// The time in `Ada <ada@example.com> 1767225600 +0000`.
fn moment(who: &[u8]) -> Option<Timestamp> {
    let end = who.iter().rposition(|byte| *byte == b'>')?;
    let time = std::str::from_utf8(&who[end + 1..]).ok()?.strip_prefix(' ')?;
    let (seconds, zone) = time.split_once(' ')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || zone.len() != 5 || !zone.starts_with(['+', '-']) || !digits(&zone[1..]) {
        return None;
    }
    Timestamp::from_second(seconds.parse().ok()?).ok()
}
