//! What Kubernetes makes of a value without quotes.
//!
//! Takes a text, says whether it would be another one once Kubernetes has read it as YAML 1.1 and handed
//! it on as JSON, and Connect has made a text of that: `yes` becomes `true`, `010` becomes `8`, `1.50`
//! becomes `1.5`, `0.0001` becomes `1.0E-4`.

/// Whether a value without quotes becomes another text on its way through Kubernetes.
pub fn changes(text: &str) -> bool {
    const WORDS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let lower = text.to_ascii_lowercase();
    let word =
        WORDS.contains(&lower.as_str()) || (matches!(lower.as_str(), "true" | "false") && lower != text);
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '_');
    if word || !number {
        return word;
    }
    let prefixed = ["0x", "0o", "0b"].iter().filter_map(|prefix| unsigned.strip_prefix(prefix));
    if prefixed
        .clone()
        .any(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit() || c == '_'))
    {
        return true;
    }
    if digits(unsigned) {
        let plain = !unsigned.contains('_') && (unsigned == "0" || !unsigned.starts_with('0'));
        return !plain || text.starts_with('+') || text == "-0" || unsigned.len() > 18;
    }
    if [".inf", ".nan"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return true;
    }
    // Java writes an exponent below 0.001 and from 10,000,000 on; between them its shortest digits.
    let float = text.replace('_', "").parse::<f64>().ok();
    float.is_some_and(|float| !(1e-3..1e7).contains(&float.abs()) || float.to_string() != text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubernetes_writes_differently_is_known() {
        let changed = "yes No ON off y True FALSE 010 0x10 0b1 0o17 1_000 +1 -0 1e3 1.0 1.50 \
            .5 1. 1E-3 00.5 12345678901234567890 0.0001 -0.00099 12345678.9 10000000.5 0.30000000000000001 1_000.5 1e400 .inf -.Inf +.INF .nan .NaN";
        for text in changed.split(' ') {
            assert!(changes(text), "{text}");
        }
        let kept = "true false 1 0 -1 1.5 -0.25 2592000000 a 1.2.3 10s 10.0.0.1 1,2 - e3 0xyz 2026-12-01 0.001 -9999999.5 0.1234567890123456 .info . inf nan id";
        for text in kept.split(' ').chain(["", "yes please"]) {
            assert!(!changes(text), "{text}");
        }
    }
}
