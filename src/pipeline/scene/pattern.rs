//! What the patterns of sinks fit.
//!
//! Takes patterns as `topics.regex` has them, says whether one fits a topic, or two of them some topic that may be there. Yes is
//! said only where a name shows it: what Java reads and nobody here does, or what holds a placeholder, fits nothing that is
//! known.

use regex_lite::Regex;

/// The most names that are tried of one pattern.
const MOST: usize = 100;

/// Whether a pattern surely fits a topic.
pub fn fits(pattern: &str, topic: &str) -> bool {
    !topic.contains("${") && read(pattern).is_some_and(|pattern| pattern.is_match(topic))
}

/// Whether there is a name that both surely fit.
pub fn may_meet(one: &str, other: &str) -> bool {
    let (Some(ones), Some(others)) = (read(one), read(other)) else { return false };
    let fit = |name: &String| ones.is_match(name) && others.is_match(name);
    names(one).iter().chain(&names(other)).any(fit)
}

/// Connect takes a topic whose whole name a pattern fits, in its case.
fn read(pattern: &str) -> Option<Regex> {
    let is_filled_in = pattern.contains("${");
    Some(pattern).filter(|_| !is_filled_in).and_then(|text| Regex::new(&format!("^(?:{text})$")).ok())
}

/// Names that a pattern most likely fits, one for each of its alternatives: whether it does is asked of itself.
fn names(pattern: &str) -> Vec<String> {
    let (mut open, mut names) = (vec![pattern.to_owned()], Vec::new());
    while let Some(text) = open.pop() {
        let room = MOST - open.len() - names.len();
        let inner = text.rfind('(').and_then(|at| Some((at, at + text[at..].find(')')?)));
        if let Some((from, to)) = inner {
            let (before, inside, after) = (&text[..from], &text[from + 1..to], &text[to + 1..]);
            let inside = inside.strip_prefix("?:").unwrap_or(inside);
            open.extend(inside.split('|').take(room).map(|one| format!("{before}{one}{after}")));
        } else {
            names.extend(text.split('|').take(room).map(filled));
        }
    }
    names
}

/// A pattern without alternatives with a letter for what may be anything, and once what may come more often.
fn filled(text: &str) -> String {
    let mut name = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '.' => name.push('x'),
            '\\' => name.extend(chars.next().map(escaped)),
            '[' => {
                let class: String = chars.by_ref().take_while(|c| *c != ']').collect();
                let mut class = class.chars();
                name.extend(match class.next() {
                    Some('\\') => class.next().map(escaped),
                    Some('^') => Some('x'),
                    first => first,
                });
            }
            '*' | '+' | '?' | '^' | '$' => {}
            c => name.push(c),
        }
    }
    name
}

/// What a letter behind a backslash may be.
fn escaped(c: char) -> char {
    match c {
        'w' => 'x',
        'd' => '0',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_whole_names_in_their_case() {
        for (pattern, topic, is_fit) in [
            ("shop[.].*", "shop.orders", true),
            ("shop\\.orders", "shop.orders", true),
            ("shop|stock", "stock", true),
            ("shop", "shop.orders", false),
            ("orders", "shop.orders", false),
            ("SHOP[.].*", "shop.orders", false),
            ("${env:TEAM}.*", "shop.orders", false),
            (".*", "${env:TOPIC}", false),
            ("(?!audit).*", "shop.orders", false),
            ("shop(", "shop(", false),
        ] {
            assert_eq!(fits(pattern, topic), is_fit, "{pattern} {topic}");
        }
    }

    #[test]
    fn two_patterns_meet_where_a_name_shows_it() {
        for (one, other, is_met) in [
            ("shop[.].*", "shop[.]public[.].*", true),
            ("shop[.].*", "shop\\.[a-z_]+", true),
            ("shop[.].*", "(shop|audit)[.].*", true),
            ("(?:stock|shop)[.](orders|lines)", "(shop|audit)[.](lines|sums)", true),
            ("shop[.].+|stock[.].+", "stock\\.\\w+", true),
            ("shop[.].*", ".*", true),
            ("shop[.]v\\d+", "(shop|stock)[.]v[\\d]+", true),
            ("shop[.].*", "audit[.].*", false),
            ("shop[.].*", "shopping[.].*", false),
            ("(a|b)[.]orders", "(a|b)[.]lines", false),
            ("shop[.].*", "${env:TEAM}[.].*", false),
            ("shop[.].*", "(?!audit).*", false),
        ] {
            assert_eq!((may_meet(one, other), may_meet(other, one)), (is_met, is_met), "{one} {other}");
        }
    }

    #[test]
    fn a_pattern_of_many_alternatives_ends() {
        let numbered: Vec<_> = (0..200).map(|n| format!("t{n}")).collect();
        let numbered = numbered.join("|");
        for far in [numbered.clone(), format!("({numbered})[.]({numbered})")] {
            assert_eq!(names(&far).len(), MOST, "{far}");
            assert!(may_meet(&far, "t0.*") || may_meet(&far, "t.*"), "{far}");
        }
        let many = "(a|b)".repeat(40);
        assert!(names(&many).len() <= MOST);
        assert!(may_meet(&many, ".*"), "some of them are tried");
    }
}
