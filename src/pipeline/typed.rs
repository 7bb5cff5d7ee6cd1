//! What a parameter takes: values of its type, of its `enum`, that match its `pattern`.
//!
//! Takes a parameter as it was declared and a value, gives the value in the parameter's type or a
//! finding at the place where it is wrong. No finding repeats a value: it may be a secret.

use minijinja::Value;
use minijinja::value::ValueKind;
use regex_lite::{Regex, RegexBuilder};

use crate::model::definition::{Parameter, ParameterKind, Tree};
use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::pipeline::expression::written::{as_text, is_secret};
use crate::pipeline::form::Form;
use crate::yaml::decode::nearest;

/// How long a text may be that is held against a pattern, in bytes: time grows with both.
const LONGEST: usize = 4_096;

/// How much room a compiled pattern may take, in bytes: far more than any name needs.
const PATTERN_SIZE: usize = 1 << 20;

/// A parameter, ready to take values.
#[derive(Debug)]
pub struct Typed<'d> {
    parameter: &'d Parameter,
    allowed: Option<Vec<Value>>,
    pattern: Option<Regex>,
}

impl<'d> Typed<'d> {
    /// Takes a declaration. What is wrong with it is left out here and told by [`check`].
    pub fn new(parameter: &'d Parameter) -> Self {
        let kind = item_kind(parameter.kind);
        let converted = |items: &Vec<Text>| {
            let values: Vec<_> =
                items.iter().filter_map(|item| convert(kind, &Value::from(item.as_str()))).collect();
            // Where some are wrong nobody knows what was meant to be allowed.
            (values.len() == items.len()).then_some(values)
        };
        Self {
            parameter,
            allowed: parameter.allowed.as_ref().and_then(converted),
            pattern: parameter
                .pattern
                .as_ref()
                .filter(|_| kind == ParameterKind::String)
                .and_then(|pattern| compiled(pattern.as_str()).ok()),
        }
    }

    /// What was declared.
    pub fn parameter(&self) -> &'d Parameter {
        self.parameter
    }

    /// Takes a value that was written as `tree`, and gives it the parameter's type; else all that is wrong
    /// with it. Where nobody knows the type there is no value, and nothing wrong with it.
    pub fn take(&self, tree: &Tree, value: &Value) -> Result<Value, Vec<Finding>> {
        if self.parameter.mistyped {
            return Err(Vec::new());
        }
        let kind = self.parameter.kind;
        let converted = convert(kind, value).ok_or_else(|| vec![self.wrong_type(tree, value)])?;
        let mut wrong = Vec::new();
        if self.allowed.is_some() || self.pattern.is_some() {
            if kind == ParameterKind::List {
                for (index, item) in converted.try_iter().into_iter().flatten().enumerate() {
                    wrong.extend(self.fits(&item, item_place(tree, index)).err());
                }
            } else {
                wrong.extend(self.fits(&converted, tree.place()).err());
            }
        }
        if wrong.is_empty() { Ok(converted) } else { Err(wrong) }
    }

    /// Says what is wrong with a value that holds no expression; nothing where it holds one, since
    /// what that gives differs from connector to connector.
    pub fn refuse(&self, tree: &Tree) -> Vec<Finding> {
        Form::fixed(tree).and_then(|value| self.take(tree, &value).err()).unwrap_or_default()
    }

    fn fits(&self, value: &Value, place: &Place) -> Result<(), Finding> {
        let name = self.parameter.name.as_str();
        let told = |message: String| Finding::new(Rule::ParameterValue, place.clone(), message);
        if is_secret(value) {
            let finding =
                told(format!("parameter `{name}` has an `enum` or a `pattern`, and takes no secret"));
            return Err(finding.hint("a secret is not looked at: give it to a parameter that takes any text"));
        }
        if self.allowed.as_ref().is_some_and(|allowed| !allowed.contains(value)) {
            let words: Vec<_> = self.parameter.allowed.iter().flatten().map(Text::as_str).collect();
            let written = as_text(value).unwrap_or_default();
            let hint = match nearest(&written, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? It is one of {}", words.join(", ")),
                None => format!("write one of {}", words.join(", ")),
            };
            let finding = told(format!("parameter `{name}` takes nothing but what its `enum` lists"));
            return Err(finding.hint(described(self.parameter, hint)));
        }
        if self.pattern.is_some() && value.as_str().is_some_and(|text| text.len() > LONGEST) {
            let finding =
                told(format!("parameter `{name}` has a `pattern`, and takes no more than 4,096 bytes"));
            return Err(finding.hint(described(self.parameter, "write a shorter text".to_owned())));
        }
        if let Some(pattern) = &self.pattern
            && !value.as_str().is_some_and(|text| pattern.is_match(text))
        {
            let finding = told(format!("parameter `{name}` takes a text that matches its `pattern`"));
            return Err(finding.hint(described(self.parameter, format!("it has to match `{pattern}`"))));
        }
        Ok(())
    }

    fn wrong_type(&self, tree: &Tree, value: &Value) -> Finding {
        let (name, kind) = (self.parameter.name.as_str(), self.parameter.kind);
        let wrong_item = match tree {
            Tree::List(_, items) if kind == ParameterKind::List => {
                let is_wrong = |item: &Value| convert(ParameterKind::String, item).is_none();
                let at = value.try_iter().into_iter().flatten().position(|item| is_wrong(&item));
                at.and_then(|at| items.get(at))
            }
            _ => None,
        };
        let message = match wrong_item {
            Some(_) => format!("parameter `{name}` takes a list of texts, and this item is none"),
            None => format!("parameter `{name}` takes a value of type {}", kind.name()),
        };
        let place = wrong_item.unwrap_or(tree).place().clone();
        let hint = if is_secret(value) {
            "a secret is a text: give the parameter the type string"
        } else {
            how_to_write(kind, as_text(value).unwrap_or_default().as_str())
        };
        Finding::new(Rule::ParameterType, place, message).hint(described(self.parameter, hint))
    }
}

/// Says what is wrong with a declaration by itself: its `enum`, its `pattern`, its default.
pub fn check(typed: &Typed<'_>, findings: &mut Vec<Finding>) {
    let parameter = typed.parameter;
    let (name, kind) = (parameter.name.as_str(), parameter.kind);
    let clash = |key: &str, what: &str, place: &Place| {
        let message = format!("`{key}` of parameter `{name}` is for {what}, and its type is {}", kind.name());
        Finding::new(Rule::Conflict, place.clone(), message)
            .hint(format!("remove `{key}`, or correct `type`"))
    };
    if parameter.mistyped {
        return;
    }
    for item in parameter.allowed.iter().flatten() {
        if kind == ParameterKind::Map {
            findings.push(clash("enum", "texts, numbers and lists of texts", &item.place));
            break;
        }
        let kind = item_kind(kind);
        if convert(kind, &Value::from(item.as_str())).is_none() {
            let message = format!(
                "parameter `{name}` has the type {}, and this item of its `enum` has another",
                kind.name()
            );
            let finding = Finding::new(Rule::ParameterType, item.place.clone(), message);
            findings.push(finding.hint(how_to_write(kind, item.as_str())));
        }
    }
    if let Some(pattern) = &parameter.pattern {
        if !matches!(kind, ParameterKind::String | ParameterKind::List) {
            findings.push(clash("pattern", "texts and lists of texts", &pattern.place));
        } else if let Err(why) = compiled(pattern.as_str()) {
            let message = format!("the `pattern` of parameter `{name}` is no regular expression: {why}");
            findings.push(Finding::new(Rule::PatternInvalid, pattern.place.clone(), message));
        }
    }
    findings.extend(parameter.default.iter().flat_map(|default| typed.refuse(default)));
}

/// Says that a required parameter is not given.
pub fn missing(parameter: &Parameter, place: &Place) -> Finding {
    let name = parameter.name.as_str();
    let finding =
        Finding::new(Rule::ParameterMissing, place.clone(), format!("parameter `{name}` is not given"));
    finding.hint(described(parameter, format!("add `{name}` to `with`")))
}

/// A hint, with what the parameter is for.
fn described(parameter: &Parameter, hint: impl Into<String>) -> String {
    match &parameter.description {
        Some(description) => format!("{}: {}", hint.into(), description.as_str()),
        None => hint.into(),
    }
}

fn compiled(pattern: &str) -> Result<Regex, regex_lite::Error> {
    RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).build()
}

/// What each value is of which `enum` and `pattern` speak: of a list they speak of its items.
fn item_kind(kind: ParameterKind) -> ParameterKind {
    if kind == ParameterKind::List { ParameterKind::String } else { kind }
}

fn item_place(tree: &Tree, index: usize) -> &Place {
    match tree {
        Tree::List(_, items) => items.get(index).unwrap_or(tree).place(),
        Tree::Null(_) | Tree::Text(_) | Tree::Literal(_) | Tree::Map(..) | Tree::Refused(_) => tree.place(),
    }
}

fn how_to_write(kind: ParameterKind, written: &str) -> &'static str {
    let is_long = written.len() > 18 && written.bytes().all(|byte| byte.is_ascii_digit());
    match kind {
        ParameterKind::String => "write a text, or give the parameter another `type`",
        ParameterKind::List => "write a list of texts: `[a, b]`",
        ParameterKind::Integer if is_long => {
            "write at most 9223372036854775807, or make the parameter a string"
        }
        ParameterKind::Integer => "write decimal digits, without zeros before them",
        ParameterKind::Number => "write a number, as in `1.5`, without zeros before it",
        ParameterKind::Boolean => match written.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" => "write `true`",
            "false" | "no" | "off" | "n" | "0" => "write `false`",
            _ => "write `true` or `false`",
        },
        ParameterKind::Map => "write a map: `{a: b}`",
    }
}

/// Gives a value the type that its parameter has. A secret is a text: it is looked at for no other type,
/// since what is told of a wrong one would tell of the secret.
fn convert(kind: ParameterKind, value: &Value) -> Option<Value> {
    if is_secret(value) {
        return (kind == ParameterKind::String).then(|| value.clone());
    }
    let scalar = matches!(value.kind(), ValueKind::String | ValueKind::Bool | ValueKind::Number);
    let text = || as_text(value).ok().filter(|_| scalar);
    match kind {
        ParameterKind::String => text().map(Value::from),
        ParameterKind::List => {
            let is_list = matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
            let items = value.try_iter().ok().filter(|_| is_list)?;
            let texts: Option<Vec<_>> = items.map(|item| convert(ParameterKind::String, &item)).collect();
            texts.map(Value::from)
        }
        // What an expression has computed is a number already: 6 / 2 is as good as 3.
        ParameterKind::Integer if value.kind() == ValueKind::Number => {
            i64::try_from(value.clone()).ok().map(Value::from)
        }
        ParameterKind::Integer => text().filter(|text| is_plain(text))?.parse::<i64>().ok().map(Value::from),
        ParameterKind::Number => number(&text()?),
        ParameterKind::Boolean => match text()?.as_str() {
            "true" => Some(Value::from(true)),
            "false" => Some(Value::from(false)),
            _ => None,
        },
        ParameterKind::Map => (value.kind() == ValueKind::Map).then(|| value.clone()),
    }
}

/// Whether a number has no `+` and no zeros before it, which some take for octal digits.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_padded = digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit());
    !is_padded && !digits.starts_with('+')
}

fn number(text: &str) -> Option<Value> {
    let may_be = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    if !is_plain(text) || !text.chars().all(may_be) {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::from(whole));
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
    // `1e3` is the whole number that it says, not `1000.0`.
    Some(i64::try_from(Value::from(number)).map_or_else(|_| Value::from(number), Value::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_has_the_type_that_it_declares() {
        for (kind, written, expected) in [
            (ParameterKind::String, "010", Some("010")),
            (ParameterKind::Integer, "10", Some("10")),
            (ParameterKind::Integer, "-3", Some("-3")),
            (ParameterKind::Integer, "010", None),
            (ParameterKind::Integer, "+1", None),
            (ParameterKind::Integer, "1.0", None),
            (ParameterKind::Integer, "99999999999999999999", None),
            (ParameterKind::Number, "1.5", Some("1.5")),
            (ParameterKind::Number, "0.5", Some("0.5")),
            (ParameterKind::Number, "1e3", Some("1000")),
            (ParameterKind::Number, "1e999", None),
            (ParameterKind::Number, "00.5", None),
            (ParameterKind::Number, "nan", None),
            (ParameterKind::Boolean, "true", Some("true")),
            (ParameterKind::Boolean, "yes", None),
            (ParameterKind::List, "a", None),
            (ParameterKind::Map, "a", None),
        ] {
            let value = convert(kind, &Value::from(written));
            assert_eq!(
                value.map(|v| as_text(&v).expect("a text")).as_deref(),
                expected,
                "{kind:?} {written}"
            );
        }
        assert!(convert(ParameterKind::String, &Value::from(vec!["a"])).is_none());
        assert!(convert(ParameterKind::List, &Value::from(vec!["a"])).is_some());
        assert!(convert(ParameterKind::List, &Value::from(vec![vec!["a"]])).is_none());
        assert_eq!(convert(ParameterKind::Integer, &Value::from(3.0)), Some(Value::from(3)));
        assert!(convert(ParameterKind::Integer, &Value::from(3.5)).is_none());
    }
}
