//! What proves that a webhook comes from somebody who knows the secret.
//!
//! Takes the headers and the secret, then the body piece by piece, and says whether one of the ways of
//! the git hosts holds. Of the body nothing is kept. A webhook that is sent again is as genuine as the
//! first one: all that it can do is have the repository asked, so no time is looked at.

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::serve::secret::same;

/// Headers with `sha256=` and the HMAC-SHA256 of the body, in hexadecimal.
const SIGNATURES: [HeaderName; 3] = [
    // GitHub, Gitea, Forgejo.
    HeaderName::from_static("x-hub-signature-256"),
    // Bitbucket.
    HeaderName::from_static("x-hub-signature"),
    // Everybody else.
    HeaderName::from_static("x-signature"),
];

/// GitLab's secret token: the secret itself.
const TOKEN: HeaderName = HeaderName::from_static("x-gitlab-token");

/// GitLab's signing token, by the standard of standardwebhooks.com: what is signed is the id, the time and
/// the body, with dots between them.
const STANDARD_ID: HeaderName = HeaderName::from_static("webhook-id");
const STANDARD_TIME: HeaderName = HeaderName::from_static("webhook-timestamp");
const STANDARD_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// How such a secret begins; the rest of it is the key in base64.
const STANDARD_SECRET: &[u8] = b"whsec_";
/// The most signatures in one header: a host sends two while its secret is renewed.
const MOST_SIGNATURES: usize = 4;

/// What the headers claim, as far as the body was read.
pub struct Claim {
    /// Whether the secret itself was shown.
    shown: bool,
    signed: Vec<Signed>,
}

/// A digest that is being made, and those that the sender made.
struct Signed {
    digest: hmac::Context,
    expected: Vec<Vec<u8>>,
}

impl Claim {
    /// Reads the headers.
    pub fn new(headers: &HeaderMap, secret: &[u8]) -> Self {
        let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
        let shown = headers.get(&TOKEN).is_some_and(|token| same(token.as_bytes(), secret));
        let expected: Vec<_> =
            SIGNATURES.iter().filter_map(|name| bytes_of(text(name)?.strip_prefix("sha256=")?)).collect();
        let plain = Signed { digest: context(secret), expected };
        let standard = || {
            let (id, time) = (text(&STANDARD_ID)?, text(&STANDARD_TIME)?);
            let signatures = text(&STANDARD_SIGNATURE)?.split(' ').take(MOST_SIGNATURES);
            let expected = signatures
                .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
                .collect();
            let key = secret.strip_prefix(STANDARD_SECRET).and_then(|key| STANDARD.decode(key).ok());
            let mut digest = context(key.as_deref().unwrap_or(secret));
            digest.update(format!("{id}.{time}.").as_bytes());
            Some(Signed { digest, expected })
        };
        let signed = [Some(plain), standard()].into_iter().flatten();
        Self { shown, signed: signed.filter(|one| !one.expected.is_empty()).collect() }
    }

    /// Takes the next piece of the body.
    pub fn read(&mut self, piece: &[u8]) {
        self.signed.iter_mut().for_each(|one| one.digest.update(piece));
    }

    /// Whether one of the claims holds for the whole body.
    pub fn holds(self) -> bool {
        let holds = |Signed { digest, expected }: Signed| {
            let made = digest.sign();
            expected.iter().any(|expected| same(expected, made.as_ref()))
        };
        self.shown || self.signed.into_iter().any(holds)
    }
}

fn context(key: &[u8]) -> hmac::Context {
    hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key))
}

/// What two hexadecimal digits a byte stand for.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    /// What GitHub's documentation gives for these two.
    const DIGEST: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn holds(secret: &[u8], headers: &[(&'static str, &str)], body: &[u8]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), value.parse().expect("a value of a header"))
        });
        let mut claim = Claim::new(&headers.collect(), secret);
        body.chunks(5).for_each(|piece| claim.read(piece));
        claim.holds()
    }

    #[test]
    fn each_host_proves_it_in_its_own_way() {
        let signature = format!("sha256={DIGEST}");
        for name in ["x-hub-signature-256", "x-hub-signature", "x-signature"] {
            assert!(holds(SECRET, &[(name, &signature)], BODY), "{name}");
            assert!(holds(SECRET, &[(name, &signature.replace("757107ea", "757107EA"))], BODY), "{name}");
            assert!(!holds(SECRET, &[(name, &signature)], b"Hello, world!"), "another body: {name}");
            assert!(
                !holds(b"It's a secret to Everybody", &[(name, &signature)], BODY),
                "another secret: {name}"
            );
            for wrong in [DIGEST, &format!("sha1={DIGEST}"), &signature[..69], "sha256=", "sha256=zz", ""] {
                assert!(!holds(SECRET, &[(name, wrong)], BODY), "{name}: {wrong}");
            }
        }
        assert!(holds(b"token", &[("x-gitlab-token", "token")], BODY));
        for wrong in ["toke", "tokens", "Token", ""] {
            assert!(!holds(b"token", &[("x-gitlab-token", wrong)], BODY), "{wrong}");
        }
        assert!(!holds(SECRET, &[], BODY), "nothing proves nothing");
    }

    #[test]
    fn a_signature_by_the_standard_covers_id_and_time() {
        // The example of the standard's own library.
        let secret = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (id, time) =
            (("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"), ("webhook-timestamp", "1614265330"));
        let body = br#"{"test": 2432232314}"#;
        let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let signed = |signature: &str| holds(secret, &[id, time, ("webhook-signature", signature)], body);
        assert!(signed(right));
        assert!(signed(&format!("v1,AAAA {right}")), "one of two, while the secret is renewed");
        assert!(!signed(&format!("{}{right}", "v1,AAAA ".repeat(MOST_SIGNATURES))), "one of too many");
        assert!(
            !signed(&right.replace("v1,", "v2,")) && !signed(&right[3..]) && !signed("v1,") && !signed("")
        );
        let late = [id, ("webhook-timestamp", "1614265331"), ("webhook-signature", right)];
        assert!(!holds(secret, &late, body));
        assert!(!holds(secret, &[time, ("webhook-signature", right)], body), "without the id");
    }

    #[test]
    fn github_s_old_signature_beside_the_new_one_does_no_harm() {
        let (old, new) = ("sha1=4f2d", format!("sha256={DIGEST}"));
        assert!(holds(SECRET, &[("x-hub-signature", old), ("x-hub-signature-256", &new)], BODY));
    }
}
