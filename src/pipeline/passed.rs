//! Which parameters and values are handed through to a key whose whole text is a secret.
//!
//! Takes definitions as they were written, gives names. Only a text that is one name and nothing else hands
//! something through: of an expression that chooses or joins nobody can say which part is the secret.

use std::collections::BTreeSet;

use crate::model::definition::{Definitions, Given, Pair, Template, Tree};
use crate::model::secret;
use crate::model::text::Text;

/// What ends under such a key, wherever it is written.
#[derive(Debug, Default)]
pub struct Passed<'d> {
    /// Parameters, by template and name.
    parameters: BTreeSet<(&'d str, &'d str)>,
    /// Values of environments, by their path.
    values: BTreeSet<&'d str>,
}

impl<'d> Passed<'d> {
    /// Follows the names from the keys to where texts are written.
    pub fn new(definitions: &'d Definitions) -> Self {
        let mut passed = Self::default();
        for template in definitions.templates.values() {
            let blocks = template.environments.iter().map(|block| &block.config);
            for pair in std::iter::once(&template.config).chain(blocks).flatten().filter(|p| is_secret(p)) {
                passed.take(Some(template), &pair.value);
            }
        }
        for connector in definitions.connectors.values() {
            let blocks = connector.environments.iter().map(|block| &block.config);
            for pair in std::iter::once(&connector.config).chain(blocks).flatten().filter(|p| is_secret(p)) {
                passed.take(None, &pair.value);
            }
        }
        for pair in definitions.environments.values().flat_map(|one| &one.config).filter(|p| is_secret(p)) {
            passed.take(None, &pair.value);
        }
        passed.follow(definitions);
        passed
    }

    /// Whether a parameter of a template is one.
    pub fn is_parameter(&self, template: &str, name: &str) -> bool {
        self.parameters.contains(&(template, name))
    }

    /// Whether a value of an environment is one.
    pub fn is_value(&self, path: &str) -> bool {
        self.values.contains(path)
    }

    /// From what a template is given to what gives it, until nothing is new.
    fn follow(&mut self, definitions: &'d Definitions) {
        loop {
            let before = (self.parameters.len(), self.values.len());
            for template in definitions.templates.values() {
                let blocks = template.environments.iter().map(|block| &block.with);
                let given = std::iter::once(&template.with).chain(blocks);
                self.given(template.base.as_ref(), given, Some(template));
                for parameter in &template.parameters {
                    if self.is_parameter(template.name.as_str(), parameter.name.as_str()) {
                        parameter.default.iter().for_each(|tree| self.take(Some(template), tree));
                    }
                }
            }
            for connector in definitions.connectors.values() {
                let blocks = connector.environments.iter().map(|block| &block.with);
                let given = std::iter::once(&connector.with).chain(blocks);
                self.given(connector.template.as_ref(), given, None);
            }
            if before == (self.parameters.len(), self.values.len()) {
                return;
            }
        }
    }

    fn given(
        &mut self,
        to: Option<&Text>,
        given: impl Iterator<Item = &'d Given>,
        speaker: Option<&'d Template>,
    ) {
        let Some(to) = to else { return };
        for Pair { key, value } in given.flat_map(|given| &given.pairs) {
            if self.is_parameter(to.as_str(), key.as_str()) {
                self.take(speaker, value);
            }
        }
    }

    /// Takes the name that a text is, in the words of a template where one speaks.
    fn take(&mut self, speaker: Option<&'d Template>, tree: &'d Tree) {
        let Tree::Text(text) = tree else { return };
        let Some(path) = name(text.as_str()) else { return };
        if let Some(path) = path.strip_prefix("values.") {
            self.values.insert(path);
        } else if let (Some(template), Some(name)) = (speaker, path.strip_prefix("params.")) {
            self.parameters.insert((template.name.as_str(), name));
        }
    }
}

fn is_secret(pair: &Pair) -> bool {
    secret::is_whole_secret(pair.key.as_str())
}

/// The name in a text that is `{{ NAME }}` and nothing else.
fn name(text: &str) -> Option<&str> {
    let name = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    name.chars().all(is_name).then_some(name)
}
