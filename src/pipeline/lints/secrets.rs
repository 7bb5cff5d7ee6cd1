//! Secrets that are written out in the repository.
//!
//! Takes definitions as they were written, since a rendered value no longer says who wrote it: what
//! the place supplies is in no repository. Says where one stands, never a part of it. A text with a plain
//! name counts where that name is handed through to the key of a secret.

use std::sync::Arc;

use crate::model::definition::{Allowance, Definitions, Pair, Tree};
use crate::model::finding::{Finding, Place};
use crate::model::rule::Rule;
use crate::model::secret;
use crate::model::text::Text;
use crate::pipeline::expression;
use crate::pipeline::passed::Passed;

/// Something written, and what silences a lint there.
struct Document<'d> {
    allow: Vec<&'d [Allowance]>,
    /// Configs, whose keys Connect knows.
    configs: Vec<&'d [Pair]>,
    /// Values and parameters, whose names people choose, and whose they are.
    named: (Whose<'d>, Vec<&'d [Pair]>),
    /// Defaults of parameters, by name, and the template that they are of.
    defaults: (Whose<'d>, Vec<(&'d str, &'d Tree)>),
}

/// Whose names people choose.
#[derive(Clone, Copy)]
enum Whose<'d> {
    /// An environment's, which every expression may use.
    Environment,
    /// A template's, which its own expressions use.
    Template(&'d str),
    /// Nobody's.
    Nobody,
}

impl<'d> Whose<'d> {
    fn of(template: Option<&'d Text>) -> Self {
        template.map_or(Self::Nobody, |name| Self::Template(name.as_str()))
    }

    /// Whether what is called so ends under the key of a secret.
    fn is_passed(self, passed: &Passed<'_>, path: &str) -> bool {
        match self {
            Self::Environment => passed.is_value(path),
            Self::Template(template) => passed.is_parameter(template, path),
            Self::Nobody => false,
        }
    }
}

/// A secret that is written out, and what is allowed there.
pub struct Written<'d> {
    /// What to tell.
    pub finding: Finding,
    /// What silences lints there.
    pub allow: Vec<&'d [Allowance]>,
}

/// Finds every secret that is written out.
pub fn written(definitions: &Definitions) -> Vec<Written<'_>> {
    let mut found = Vec::new();
    let passed = Passed::new(definitions);
    let is_told = |whose: Whose<'_>, path: &str, text: &str| {
        is_named_so(path, text) || (secret::is_own_text(text) && whose.is_passed(&passed, path))
    };
    for document in documents(definitions) {
        let mut walk = Walk { places: Vec::new() };
        document.configs.iter().for_each(|pairs| walk.pairs(pairs, "", &secret::is_written_out));
        let (whose, named) = &document.named;
        for pairs in named {
            walk.pairs(pairs, "", &|path, text| is_told(*whose, path, text));
        }
        let (whose, defaults) = &document.defaults;
        for (name, tree) in defaults {
            walk.tree(tree, name, &|path, text| is_told(*whose, path, text));
        }
        found.extend(walk.places.into_iter().map(|(place, message)| Written {
            finding: Finding::new(Rule::PlainSecret, place, message),
            allow: document.allow.clone(),
        }));
    }
    found
}

fn documents(definitions: &Definitions) -> Vec<Document<'_>> {
    let templates = definitions.templates.values().map(|template| {
        let blocks = &template.environments;
        let of_blocks = blocks.iter().map(|block| block.config.as_slice());
        let given = blocks.iter().map(|block| block.with.pairs.as_slice());
        let defaults =
            template.parameters.iter().filter_map(|p| Some((p.name.as_str(), p.default.as_ref()?)));
        Document {
            allow: vec![&template.allow],
            configs: std::iter::once(template.config.as_slice()).chain(of_blocks).collect(),
            named: (
                Whose::of(template.base.as_ref()),
                std::iter::once(template.with.pairs.as_slice()).chain(given).collect(),
            ),
            defaults: (Whose::Template(template.name.as_str()), defaults.collect()),
        }
    });
    let connectors = definitions.connectors.values().map(|connector| {
        let blocks = &connector.environments;
        let file = connector.from.iter().map(|file| file.config.as_slice());
        let of_blocks = blocks.iter().map(|block| block.config.as_slice());
        let given = blocks.iter().map(|block| block.with.pairs.as_slice());
        Document {
            allow: vec![&connector.allow],
            configs: std::iter::once(connector.config.as_slice()).chain(file).chain(of_blocks).collect(),
            named: (
                Whose::of(connector.template.as_ref()),
                std::iter::once(connector.with.pairs.as_slice()).chain(given).collect(),
            ),
            defaults: (Whose::Nobody, Vec::new()),
        }
    });
    let environments = definitions.environments.values().map(|environment| Document {
        allow: vec![&environment.allow],
        configs: vec![&environment.config],
        named: (Whose::Environment, vec![&environment.values]),
        defaults: (Whose::Nobody, Vec::new()),
    });
    templates.chain(connectors).chain(environments).collect()
}

struct Walk {
    places: Vec<(Place, String)>,
}

impl Walk {
    fn pairs(&mut self, pairs: &[Pair], path: &str, is_secret: &dyn Fn(&str, &str) -> bool) {
        for Pair { key, value } in pairs {
            match path {
                "" => self.tree(value, key.as_str(), is_secret),
                path => self.tree(value, &format!("{path}.{}", key.as_str()), is_secret),
            }
        }
    }

    fn tree(&mut self, tree: &Tree, path: &str, is_secret: &dyn Fn(&str, &str) -> bool) {
        match tree {
            Tree::Text(text) if is_secret(path, &without_expressions(&text.text)) => {
                self.places.push((text.place.clone(), message(path)));
            }
            // One that was meant to be computed has a finding that says so, and is no secret.
            Tree::Literal(text)
                if is_secret(path, &text.text) && expression::begins_in(&text.text).is_none() =>
            {
                self.places.push((text.place.clone(), message(path)));
            }
            Tree::List(_, items) => items.iter().for_each(|item| self.tree(item, path, is_secret)),
            Tree::Map(_, pairs) => self.pairs(pairs, path, is_secret),
            Tree::Text(_) | Tree::Literal(_) | Tree::Null(_) | Tree::Refused(_) => {}
        }
    }
}

fn message(path: &str) -> String {
    format!("the secret of `{path}` is written out here")
}

/// People name many things `secret` or `token` that only say where one is; a password is one.
fn is_named_so(path: &str, text: &str) -> bool {
    let is_password = |word: &&str| path.to_ascii_lowercase().ends_with(word);
    secret::holds_credentials(text)
        || (["password", "passwd", "passphrase"].iter().any(is_password)
            && secret::is_written_out(path, text))
}

/// A text in which each expression is a placeholder, since both are filled in elsewhere.
fn without_expressions(text: &Arc<str>) -> String {
    let mut left = text.as_ref();
    let mut plain = String::new();
    while let Some((before, after)) = left.split_once("{{") {
        plain.push_str(before);
        plain.push_str("${x:y}");
        left = after.split_once("}}").map_or("", |(_, rest)| rest);
    }
    plain + left
}
