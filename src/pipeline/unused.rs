//! Finds what nothing asks for: values and inputs of environments, values that are typed, parameters of templates, imports.
//!
//! Takes definitions and the names that their expressions use, gives warnings. What is used by
//! anything, in whatever environment, is used; a name that is merely mistyped somewhere is not told
//! a second time here.

use std::collections::{BTreeSet, HashSet};

use crate::model::definition::{
    Connector, Definitions, Environment, Pair, Parameter, Reading, Template, Tree,
};
use crate::model::finding::{Finding, Findings, Place};
use crate::model::import::Import;
use crate::model::revision::RepositoryName;
use crate::model::rule::{Rule, Severity};
use crate::model::snapshot::Files;
use crate::model::text::Text;
use crate::pipeline::lookup::few;
use crate::pipeline::parse::Lost;
use crate::yaml::decode::nearest;

/// What the expressions of a repository use.
#[derive(Debug, Default)]
pub struct Uses {
    /// Paths in the values, without `values` before them; the empty one is all of them.
    values: BTreeSet<String>,
    /// Parameters, by their address.
    parameters: HashSet<*const Parameter>,
    /// Imports of which a template is used, as far as it was asked.
    imports: BTreeSet<String>,
}

impl Uses {
    /// Remembers a path that begins with `values`.
    pub fn value(&mut self, path: &str) {
        let path = path.split_once('.').map_or("", |(_, rest)| rest);
        if !self.values.contains(path) {
            self.values.insert(path.to_owned());
        }
    }

    /// Remembers the use of a parameter, or of all where none is named. A name that is nearly that
    /// of a parameter was meant to be it.
    pub fn parameter(&mut self, member: Option<&str>, among: &[Parameter]) {
        let name = member.and_then(|member| {
            let names = || among.iter().map(|parameter| parameter.name.as_str());
            names().find(|name| *name == member).or_else(|| nearest(member, names()))
        });
        for parameter in among {
            if member.is_none() || name == Some(parameter.name.as_str()) {
                self.parameters.insert(std::ptr::from_ref(parameter));
            }
        }
    }

    /// Remembers the imports that these templates, as they are named where they are used, are of.
    pub fn add_imports<'t>(&mut self, templates: impl IntoIterator<Item = &'t Text>) {
        let of = |template: &'t Text| template.as_str().split_once('/').map(|(import, _)| import.to_owned());
        self.imports.extend(templates.into_iter().filter_map(of));
    }

    /// Adds the values and the imports that others use.
    pub fn add(&mut self, others: &Self) {
        self.values.extend(others.values.iter().cloned());
        self.imports.extend(others.imports.iter().cloned());
    }

    /// How far what stands at a path is used.
    fn of(&self, path: &str) -> Extent {
        let holds = |outer: &str, inner: &str| {
            outer.is_empty() || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
        };
        if self.values.iter().any(|used| used == path || holds(used, path)) {
            Extent::Whole
        } else if self.values.iter().any(|used| holds(path, used)) {
            Extent::Parts
        } else {
            Extent::Nothing
        }
    }

    /// Counts, for each path that leads nowhere among these values, the one that was likely meant.
    fn with_the_meant(&self, environment: &Environment) -> Self {
        let meant = self.values.iter().filter_map(|path| meant(path, &environment.values));
        let near_input = |path: &String| {
            let inputs = environment.inputs.iter().map(|input| input.path.as_str());
            nearest(path, inputs).map(ToOwned::to_owned)
        };
        let values =
            self.values.iter().cloned().chain(meant).chain(self.values.iter().filter_map(near_input));
        Self { values: values.collect(), ..Self::default() }
    }
}

enum Extent {
    Whole,
    Parts,
    Nothing,
}

/// Finds what is unused.
pub fn check(
    definitions: &Definitions,
    uses: &Uses,
    files: &Files,
    lost: &Lost,
    findings: &mut Vec<Finding>,
) {
    if definitions.connectors.is_empty() && definitions.templates.is_empty() {
        return;
    }
    let doubtful = Doubtful::of(files, findings);
    parameters(definitions.templates.values(), uses, files, findings);
    imports(definitions, findings);
    // What nobody could read may use anything.
    if !lost.imports.is_empty() || definitions.about.imports_lost {
        return;
    }
    for environment in definitions.environments.values() {
        let uses = uses.with_the_meant(environment);
        let mut tell = |path: &str, key: &Text| {
            if !doubtful.mentions(path) {
                findings.push(no_use(path, key));
            }
        };
        for input in &environment.inputs {
            if matches!(uses.of(input.path.as_str()), Extent::Nothing) {
                tell(input.path.as_str(), &input.path);
            }
        }
        unused("", &environment.values, &uses, &mut tell);
    }
}

/// Finds the values that are typed for this place, by their paths, and that nothing uses.
pub fn typed(definitions: &Definitions, uses: &Uses, paths: &[&str]) -> Vec<Finding> {
    if definitions.connectors.is_empty() && definitions.templates.is_empty() {
        return Vec::new();
    }
    let names = || uses.values.iter().map(String::as_str);
    let finding = |path: &&str| {
        let message = format!("no definition uses `values.{path}`");
        let finding = Finding::new(Rule::ValueUnused, Place::outside("--value"), message);
        match (nearest(path, names()), few(names())) {
            (Some(near), _) => finding.hint(format!("did you mean `{near}`?")),
            (None, Some(names)) => finding.hint(format!("the definitions use {names}")),
            (None, None) => finding,
        }
    };
    paths.iter().filter(|path| matches!(uses.of(path), Extent::Nothing)).map(finding).collect()
}

/// Finds the parameters that these templates never use.
pub fn parameters<'d>(
    templates: impl IntoIterator<Item = &'d Template>,
    uses: &Uses,
    files: &Files,
    findings: &mut Vec<Finding>,
) {
    let doubtful = Doubtful::of(files, findings);
    for template in templates.into_iter().filter(|template| template.whole) {
        for parameter in &template.parameters {
            let name = parameter.name.as_str();
            if !uses.parameters.contains(&std::ptr::from_ref(parameter)) && !doubtful.mentions(name) {
                let message =
                    format!("template `{}` never uses its parameter `{name}`", template.name.as_str());
                findings.push(Finding::new(Rule::ParameterUnused, parameter.name.place.clone(), message));
            }
        }
    }
}

/// What is left of findings of a repository where others may use any of its values.
pub fn left(findings: &Findings) -> Findings {
    let mut left = Findings::default();
    let may_be_used = |finding: &Finding| matches!(finding.rule, Rule::ValueUnused | Rule::ImportUnused);
    left.extend(findings.iter().filter(|finding| !may_be_used(finding)).cloned());
    left
}

/// What is left of findings of a repository once it is known what others use of its values.
pub fn beside(definitions: &Definitions, uses: &Uses, findings: &Findings) -> Findings {
    let told: HashSet<_> = findings
        .iter()
        .filter(|finding| finding.rule == Rule::ValueUnused)
        .map(|finding| &finding.place)
        .collect();
    let is_used = |finding: &Finding| {
        let of = |(name, import): (&RepositoryName, &Option<Import>)| {
            let here = import.as_ref().is_some_and(|import| import.place == finding.place);
            here && uses.imports.contains(name.as_str())
        };
        finding.rule == Rule::ImportUnused && definitions.about.imports.iter().any(of)
    };
    let mut left = Findings::default();
    let is_told_again = |finding: &Finding| finding.rule == Rule::ValueUnused && !uses.values.is_empty();
    left.extend(findings.iter().filter(|finding| !is_told_again(finding) && !is_used(finding)).cloned());
    if told.is_empty() || uses.values.is_empty() {
        return left;
    }
    for environment in definitions.environments.values() {
        let uses = uses.with_the_meant(environment);
        let mut tell = |path: &str, key: &Text| left.push(no_use(path, key));
        let inputs = environment.inputs.iter().map(|input| &input.path);
        for path in inputs.filter(|path| told.contains(&path.place)) {
            if matches!(uses.of(path.as_str()), Extent::Nothing) {
                tell(path.as_str(), path);
            }
        }
        again("", &environment.values, &told, &uses, &mut tell);
    }
    left.settle();
    left
}

/// Tells again what of the values that were told is not used by these either.
fn again(
    under: &str,
    pairs: &[Pair],
    told: &HashSet<&Place>,
    uses: &Uses,
    tell: &mut impl FnMut(&str, &Text),
) {
    for pair in pairs {
        if told.contains(&pair.key.place) {
            unused(under, std::slice::from_ref(pair), uses, tell);
        } else if let Tree::Map(_, inner) = &pair.value {
            again(&join(under, pair.key.as_str()), inner, told, uses, tell);
        }
    }
}

fn no_use(path: &str, key: &Text) -> Finding {
    Finding::new(Rule::ValueUnused, key.place.clone(), format!("no definition uses `values.{path}`"))
}

/// Tells each import of which nothing uses a template. A mistyped name counts as the one that was meant.
fn imports(definitions: &Definitions, findings: &mut Vec<Finding>) {
    const UNREAD: [Rule; 5] =
        [Rule::YamlSyntax, Rule::YamlTooDeep, Rule::NotUtf8, Rule::DocumentUnknown, Rule::TemplateNotQuoted];
    let connectors = || definitions.connectors.values().chain(&definitions.repeated.connectors);
    let is_unsure =
        |connector: &Connector| connector.template.is_none() && connector.reading != Reading::Whole;
    let is_of = |finding: &Finding, connector: &Connector| connector.place.path == finding.place.path;
    // Whatever broke before it said its name may use anything.
    let is_lost =
        |finding: &Finding| UNREAD.contains(&finding.rule) && !connectors().any(|one| is_of(finding, one));
    if connectors().next().is_none() || connectors().any(is_unsure) || findings.iter().any(is_lost) {
        return;
    }
    let of_connectors = connectors().filter_map(|connector| connector.template.as_ref());
    // That one template of an import is based on another one of it is no use of the import.
    let own = definitions.templates.values().filter(|template| !template.name.as_str().contains('/'));
    let bases = own.chain(&definitions.repeated.templates).filter_map(|template| template.base.as_ref());
    let used: Vec<&str> = of_connectors.chain(bases).map(Text::as_str).collect();
    let names = || definitions.about.imports.keys().map(RepositoryName::as_str);
    let is_of = |used: &str, import: &str| match used.split_once('/') {
        Some((name, _)) if names().any(|known| known == name) => name == import,
        Some((name, _)) => nearest(name, names()) == Some(import),
        // Without an import before it, it may have been meant to be of this one.
        None => {
            !definitions.templates.contains_key(used)
                && definitions.templates.contains_key(format!("{import}/{used}").as_str())
        }
    };
    for import in definitions.about.imports.values().flatten() {
        let name = import.name.as_str();
        if !used.iter().any(|used| is_of(used, name)) {
            let message = format!("no connector and no template uses import `{name}`");
            findings.push(Finding::new(Rule::ImportUnused, import.place.clone(), message));
        }
    }
}

/// Tells each value that is not used; of a map that is not used at all, the map alone.
fn unused(under: &str, pairs: &[Pair], uses: &Uses, tell: &mut impl FnMut(&str, &Text)) {
    for Pair { key, value } in pairs {
        let path = join(under, key.as_str());
        match (uses.of(&path), value) {
            (Extent::Parts, Tree::Map(_, inner)) => unused(&path, inner, uses, tell),
            // A text of which a part is asked for has a finding of its own.
            (Extent::Whole | Extent::Parts, _) | (_, Tree::Null(_) | Tree::Refused(_)) => {}
            (Extent::Nothing, Tree::Text(_) | Tree::Literal(_) | Tree::List(..) | Tree::Map(..)) => {
                tell(&path, key);
            }
        }
    }
}

fn join(under: &str, name: &str) -> String {
    if under.is_empty() { name.to_owned() } else { format!("{under}.{name}") }
}

/// The path that was meant by one that leads nowhere.
fn meant(path: &str, mut pairs: &[Pair]) -> Option<String> {
    let mut walked = String::new();
    for name in path.split('.') {
        let Some(pair) = pairs.iter().find(|pair| pair.key.as_str() == name) else {
            let near = nearest(name, pairs.iter().map(|pair| pair.key.as_str()))?;
            return Some(join(&walked, near));
        };
        walked = join(&walked, name);
        match &pair.value {
            Tree::Map(_, inner) => pairs = inner,
            Tree::Null(_) | Tree::Text(_) | Tree::Literal(_) | Tree::List(..) | Tree::Refused(_) => {
                return None;
            }
        }
    }
    None
}

/// What stands between braces in files with an error: not all of it may have been read as a use.
#[derive(Default)]
struct Doubtful {
    words: HashSet<String>,
    /// Whether the values as a whole are among it.
    everything: bool,
}

impl Doubtful {
    fn of(files: &Files, findings: &[Finding]) -> Self {
        let mut doubtful = Self::default();
        let wrong = findings.iter().filter(|finding| finding.severity == Severity::Error);
        let paths: BTreeSet<_> = wrong.map(|finding| &finding.place.path).collect();
        for bytes in paths.into_iter().filter_map(|path| files.get(path)) {
            for begun in String::from_utf8_lossy(bytes).split("{{").skip(1) {
                doubtful.read(begun.split("}}").next().unwrap_or_default());
            }
        }
        doubtful
    }

    fn read(&mut self, expression: &str) {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        self.words.extend(expression.split(|c| !is_part(c)).map(ToOwned::to_owned));
        let after = expression.split("values").skip(1);
        self.everything |= after.into_iter().any(|rest| !rest.starts_with('.'));
    }

    fn mentions(&self, path: &str) -> bool {
        self.everything || path.split('.').any(|name| self.words.contains(name))
    }
}
