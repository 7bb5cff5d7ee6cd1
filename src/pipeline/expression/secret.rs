//! `{{ secret('env:NAME') }}` and `{{ secret('file:PATH') }}`: the one form, and nothing around it.
//!
//! Takes the inside of an expression, gives the secret that it names. There is no way to compute with
//! a secret: a filter that cut it or turned its letters would have to be followed to keep it hidden,
//! and an error of the engine may repeat what it was given.

use crate::model::supplied::SecretName;

/// What is wrong where an expression has `secret` in another form.
pub const FORM: &str = "`secret(…)` takes one text in quotes, and stands alone in its braces";

/// Reads the inside of an expression that uses `secret`; says what is wrong with it.
pub fn named(source: &str) -> Result<SecretName, &'static str> {
    let inside = source
        .trim()
        .strip_prefix("secret")
        .and_then(|rest| rest.trim_start().strip_prefix('('))
        .and_then(|rest| rest.strip_suffix(')'))
        .map(str::trim)
        .ok_or(FORM)?;
    let quoted = |quote: char| inside.strip_prefix(quote)?.strip_suffix(quote);
    let text = quoted('\'').or_else(|| quoted('"')).ok_or(FORM)?;
    if text.contains(['\'', '"']) {
        return Err(FORM);
    }
    SecretName::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_by_one_literal_and_nothing_else() {
        for good in ["secret('env:A')", " secret( \"env:A\" ) ", "secret ('env:A')"] {
            assert_eq!(named(good), Ok(SecretName::Variable("A".into())), "{good}");
        }
        for other in [
            "secret",
            "secret()",
            "secret(values.name)",
            "secret('env:' ~ 'A')",
            "secret('env:A', 'B')",
            "secret('env:A') | upper",
            "secret('env:A') ~ ')'",
            "'x' ~ secret('env:A')",
            "secret('env:A') == secret('env:B')",
            "secret('env:A' 'env:B')",
            "(secret('env:A'))",
            "secret(name='env:A')",
            "secret('env:A\")",
            "[secret('env:A')]",
        ] {
            assert_eq!(named(other), Err(FORM), "{other}");
        }
    }
}
