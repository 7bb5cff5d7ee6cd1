//! What somebody else wrote about a failure, fit to be shown.
//!
//! Takes texts of servers, of `ssh` and of libraries, gives them without control characters and cut.

use std::fmt;

use crate::model::character::is_unprintable;

/// The longest text of others that is passed on, in characters.
const CAUSE_LENGTH: usize = 400;

/// What somebody else wrote about a failure, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause(String);

impl Cause {
    /// Takes any text: control characters become blanks, and what is too long is cut.
    pub fn new(text: &str) -> Self {
        let clean: String = text.chars().map(|c| if is_unprintable(c) { ' ' } else { c }).collect();
        let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut cut: String = words.chars().take(CAUSE_LENGTH).collect();
        if cut.len() < words.len() {
            cut.push('…');
        }
        Self(cut)
    }

    /// Takes an error with all its causes.
    pub fn of(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut next = error.source();
        while let Some(cause) = next {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            next = cause.source();
        }
        Self::new(&text)
    }

    /// Whether it is a certificate that was not accepted. The TLS library says so in words only.
    pub fn is_about_certificates(&self) -> bool {
        self.0.contains("certificate")
    }

    /// Whether a server answered without TLS where TLS was begun. The TLS library says so in words only.
    pub fn is_about_plain_http(&self) -> bool {
        self.0.contains("InvalidContentType")
    }

    /// Whether nobody listens at the address. The system says so in words only, and `ssh` repeats them.
    pub fn is_refused(&self) -> bool {
        self.0.contains("Connection refused")
    }

    /// Whether a proxy refused to make a connection for want of a password. The HTTP library says so in
    /// words only.
    pub fn is_about_a_proxy_s_password(&self) -> bool {
        self.0.contains("proxy authorization required")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

impl From<&git2::Error> for Cause {
    fn from(error: &git2::Error) -> Self {
        Self::new(error.message())
    }
}

impl From<reqwest::Error> for Cause {
    /// Leaves the URL out, which may carry more than is to be shown.
    fn from(error: reqwest::Error) -> Self {
        Self::of(&error.without_url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_disturb_a_terminal() {
        let cause = Cause::new("a\0b\x1b[2Jc\r\nremote:\u{202e}\u{61c}\u{2028} d");
        assert_eq!(cause.to_string(), "a b [2Jc remote: d");
        assert_eq!(Cause::new(&"x".repeat(1000)).to_string().chars().count(), CAUSE_LENGTH + 1);
    }
}
