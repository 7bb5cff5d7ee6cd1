//! Whom to trust: the file of allowed signers, as `ssh-keygen` and `git` read it.
//!
//! Takes the text of such a file, gives the keys with what bounds them. A line that cannot be used makes
//! the whole file unusable: what was meant by it is not guessed. Times without a `Z` are UTC here, for
//! an agent and the desk where the file was written are seldom in the same zone.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey};

use crate::model::select;
use crate::model::signature::{Object, Signer};
use crate::signature::refusal::Refusal;
use crate::signature::sshsig::NAMESPACE;

/// Everybody whose signature counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    lines: Vec<Line>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    number: usize,
    principals: Arc<str>,
    key: KeyData,
    options: Options,
}

/// What bounds a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Options {
    /// What it may sign for; `None` for everything.
    namespaces: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

/// The fingerprint of a key as `ssh-keygen -l` shows it.
pub fn fingerprint(key: &KeyData) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

impl Signers {
    /// Reads the file.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut lines = Vec::new();
        for (index, text) in text.lines().enumerate() {
            let number = index + 1;
            let text = text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                lines.push(line(number, text).map_err(|why| Refusal::Line { line: number, why })?);
            }
        }
        if lines.is_empty() { Err(Refusal::Nobody) } else { Ok(Self { lines }) }
    }

    /// Whether a key is there at all, whatever bounds it.
    pub fn has(&self, key: &KeyData) -> bool {
        self.lines.iter().any(|line| line.key == *key)
    }

    /// Who a key stands for, where it counts at each of these moments. Where it has several lines, the first
    /// that lets it count does.
    pub fn trust(&self, object: Object, key: &KeyData, moments: [Timestamp; 2]) -> Result<Signer, Refusal> {
        let mut refused = None;
        for line in self.lines.iter().filter(|line| line.key == *key) {
            match line.refuses(object, moments) {
                None => {
                    let key = fingerprint(key).into();
                    return Ok(Signer { principals: Arc::clone(&line.principals), key });
                }
                Some(refusal) => refused = refused.or(Some(refusal)),
            }
        }
        Err(refused.unwrap_or_else(|| Refusal::UnknownKey { object, key: fingerprint(key) }))
    }
}

impl Line {
    fn refuses(&self, object: Object, moments: [Timestamp; 2]) -> Option<Refusal> {
        let line = self.number;
        let Options { namespaces, after, before } = &self.options;
        if namespaces.as_ref().is_some_and(|patterns| !names(patterns, NAMESPACE)) {
            return Some(Refusal::NotForGit { object, line });
        }
        let early = after.filter(|after| moments.iter().any(|moment| moment < after));
        let late = before.filter(|before| moments.iter().any(|moment| moment > before));
        early
            .map(|after| Refusal::NotYetValid { object, line, after })
            .or_else(|| late.map(|before| Refusal::Expired { object, line, before }))
    }
}

/// Whether the names at the beginning of a line let anybody in, `!*` among them does not. `git` asks for each of them as
/// `ssh-keygen` prints it, patterns too, and stops at one that is empty.
fn is_anybody(principals: &str) -> bool {
    principals.split(',').take_while(|name| !name.is_empty()).any(|name| names(principals, name))
}

/// Whether a list of patterns has a word in it: one that begins with `!` takes it out again.
fn names(patterns: &str, word: &str) -> bool {
    let mut is_in = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if select::matches(pattern, word) => return false,
            Some(_) => {}
            None => is_in |= select::matches(pattern, word),
        }
    }
    is_in
}

fn line(number: usize, text: &str) -> Result<Line, &'static str> {
    let (principals, rest) = principals(text)?;
    if principals.is_empty() || principals.chars().any(char::is_control) {
        return Err("it names nobody");
    }
    if key(text).is_some() {
        return Err(
            "it is a key and nothing else; before it stands whose it is, as in `release@example.com ssh-ed25519 AAAA…`",
        );
    }
    if !is_anybody(principals) {
        return Err("its principals let nobody in: a pattern with `!` takes out whom the others name");
    }
    let (options, key) = if let Some(key) = key(rest) {
        (Options::default(), key)
    } else {
        let (written, rest) = split(rest);
        (options(written)?, key(rest).ok_or("its key cannot be read")?)
    };
    Ok(Line { number, principals: principals.into(), key, options })
}

/// The names at the beginning of a line, which may be quoted.
fn principals(text: &str) -> Result<(&str, &str), &'static str> {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or("a quotation mark is missing"),
        None => Ok(text.split_once([' ', '\t']).unwrap_or((text, ""))),
    }
}

/// A kind, a key and whatever comes after them.
fn key(text: &str) -> Option<KeyData> {
    let mut words = text.split_ascii_whitespace();
    let (kind, key) = (words.next()?, words.next()?);
    PublicKey::from_openssh(&format!("{kind} {key}")).ok().map(|key| key.key_data().clone())
}

/// The options, and what comes after the first blank outside of quotation marks.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let mut quoted = false;
    let end = text.find(|c| {
        quoted ^= c == '"';
        !quoted && matches!(c, ' ' | '\t')
    });
    text.split_at(end.unwrap_or(text.len()))
}

fn options(text: &str) -> Result<Options, &'static str> {
    let mut options = Options::default();
    let mut quoted = false;
    let outside = |c: char| {
        quoted ^= c == '"';
        !quoted && c == ','
    };
    for option in text.split(outside) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        match (name.to_ascii_lowercase().as_str(), value) {
            ("cert-authority", _) => {
                return Err("certificates are not supported; name each signer's own key");
            }
            ("namespaces", Some(value)) => once(&mut options.namespaces, value.to_owned())?,
            ("valid-after", Some(value)) => once(&mut options.after, moment(value)?)?,
            ("valid-before", Some(value)) => once(&mut options.before, moment(value)?)?,
            ("namespaces" | "valid-after" | "valid-before", None) => {
                return Err("an option has no value in quotation marks");
            }
            (_, _) => return Err("it has an option that is not known, or its key cannot be read"),
        }
    }
    if options.after.zip(options.before).is_some_and(|(after, before)| after >= before) {
        return Err("it ends to count before it begins");
    }
    Ok(options)
}

fn once<T>(option: &mut Option<T>, value: T) -> Result<(), &'static str> {
    if option.replace(value).is_some() { Err("an option is there twice") } else { Ok(()) }
}

/// Reads `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with a `Z` or without.
fn moment(text: &str) -> Result<Timestamp, &'static str> {
    const WRONG: &str = "a time is not written as YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS";
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WRONG);
    }
    let number =
        |from: usize, to: usize| digits.get(from..to).map_or(Ok(0), str::parse::<i8>).map_err(|_| WRONG);
    let year: i16 = digits[..4].parse().map_err(|_| WRONG)?;
    let date = DateTime::new(
        year,
        number(4, 6)?,
        number(6, 8)?,
        number(8, 10)?,
        number(10, 12)?,
        number(12, 14)?,
        0,
    );
    let zoned = date.and_then(|date| date.to_zoned(TimeZone::UTC)).map_err(|_| WRONG)?;
    Ok(zoned.timestamp())
}
