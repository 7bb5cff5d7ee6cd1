//! The agent's scope: which connectors exist for it at all.
//!
//! Takes patterns from the settings, says whether a name is inside. Definitions and live connectors
//! outside are neither rendered, compared, listed nor touched.

use crate::model::name::ConnectorName;

/// Which names are inside the agent's scope: one of `include`, none of `exclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// Patterns with `*` (any characters) and `?` (one character).
    pub include: Vec<String>,
    /// Patterns of names to leave out.
    pub exclude: Vec<String>,
}

impl Default for Select {
    fn default() -> Self {
        Self { include: vec!["*".to_owned()], exclude: Vec::new() }
    }
}

impl Select {
    /// Whether a name is inside.
    pub fn covers(&self, name: &ConnectorName) -> bool {
        let matches = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, name.as_str()));
        matches(&self.include) && !matches(&self.exclude)
    }
}

/// Whether a text is as a pattern has it, with `*` and `?`.
///
/// Compares with one memory of the last `*`, so that no pattern takes more than quadratic time.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut on) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while on < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, on));
                at += 1;
            }
            Some(&c) if c == '?' || c == text[on] => {
                at += 1;
                on += 1;
            }
            Some(_) | None => match star {
                Some((star_at, star_on)) => {
                    star = Some((star_at, star_on + 1));
                    at = star_at + 1;
                    on = star_on + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("orders", "orders", true),
            ("orders", "orders-2", false),
            ("orders*", "orders-2", true),
            ("*-sink", "audit-sink", true),
            ("*-sink", "audit-sink-2", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn exclude_beats_include() {
        let select = Select { include: vec!["team-a-*".into()], exclude: vec!["*-scratch".into()] };
        let covers = |text| select.covers(&ConnectorName::observed(text));
        assert!(covers("team-a-orders"));
        assert!(!covers("team-a-scratch"));
        assert!(!covers("team-b-orders"));
    }
}
