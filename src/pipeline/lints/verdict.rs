//! What becomes of a breach: silenced, or told at the place where it can be put right.
//!
//! Takes what the lints say of the connectors of one environment, gives findings. What a template
//! brings about is told once, at the template; but where a connector feeds it, or the template is another
//! repository's, it is told at the connector, to the one who can change it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::definition::{Allowance, Connector, Definitions};
use crate::model::desired::{Desired, Origin};
use crate::model::finding::{Finding, Place};
use crate::model::name::ConnectorName;
use crate::model::rule::Rule;
use crate::model::text::Text;
use crate::pipeline::layers;
use crate::pipeline::lints::beside::Guest;
use crate::pipeline::lints::fed::{self, Set};
use crate::pipeline::lints::seen::{Breach, Seen};

/// What is told, and which silencings kept something from being told.
#[derive(Default)]
pub struct Verdict {
    /// The findings.
    pub findings: Vec<Finding>,
    /// Where the silencings stand that were of use.
    pub used: BTreeSet<Place>,
}

/// What is said in the same words of the same place.
#[derive(Default)]
struct Group<'s> {
    hint: Option<String>,
    names: BTreeSet<&'s ConnectorName>,
}

/// The definitions, by what is asked of them here.
pub struct Court<'d> {
    definitions: &'d Definitions,
    connectors: HashMap<&'d Place, &'d Connector>,
    /// Where templates set keys, what to, and how many connectors are made from that template.
    templates: HashMap<&'d Place, (Set<'d>, usize)>,
    /// The rules that anybody silences anywhere.
    silenced: BTreeSet<Rule>,
    /// The folder of `extra` that alone is told anything, where it is one.
    guest: Option<Guest<'d>>,
}

impl<'d> Court<'d> {
    /// Looks the definitions through.
    pub fn new(definitions: &'d Definitions) -> Self {
        let connectors = definitions.connectors.values().map(|c| (&c.place, c)).collect();
        let counts = made_from(definitions);
        let mut templates = HashMap::new();
        for template in definitions.templates.values() {
            let count = counts.get(template.name.as_str()).copied().unwrap_or_default();
            let blocks = template.environments.iter().map(|block| &block.config);
            for pair in std::iter::once(&template.config).chain(blocks).flatten() {
                templates.insert(pair.value.place(), (Set { template, tree: &pair.value }, count));
            }
        }
        let silenced = allowances(definitions).map(|allowance| allowance.rule).collect();
        Self { definitions, connectors, templates, silenced, guest: None }
    }

    /// Tells a folder of `extra` alone; what the repository's connectors silence counts as well.
    pub fn of_guest(mut self, guest: Guest<'d>) -> Self {
        self.connectors.extend(guest.host.connectors.values().map(|c| (&c.place, c)));
        self.silenced.extend(allowances(guest.host).map(|allowance| allowance.rule));
        Self { guest: Some(guest), ..self }
    }

    /// Whether a template says what stands there.
    pub fn is_template(&self, place: &Place) -> bool {
        self.templates.contains_key(place)
    }

    /// What silences a rule for a connector of an environment.
    pub fn allowances(&self, rule: Rule, seen: &Seen<'_>, desired: &Desired) -> Vec<&'d Allowance> {
        if !self.silenced.contains(&rule) {
            return Vec::new();
        }
        let connector = self.connectors.get(&seen.connector.place);
        let template = connector.and_then(|connector| connector.template.as_ref()).map(Text::as_str);
        let templates = template.and_then(|name| layers::templates(self.definitions, name));
        let environments = layers::environments(self.definitions, &desired.environment);
        let mut allow: Vec<&'d [Allowance]> = vec![&self.definitions.about.allow];
        allow.extend(connector.map(|connector| connector.allow.as_slice()));
        allow.extend(templates.into_iter().flatten().map(|template| template.allow.as_slice()));
        allow.extend(environments.into_iter().flatten().map(|environment| environment.allow.as_slice()));
        allow.into_iter().flatten().filter(|allowance| allowance.rule == rule).collect()
    }

    /// A finding that weighs what the repository wants it to.
    pub fn finding(&self, rule: Rule, place: Place, message: String, hint: Option<String>) -> Finding {
        let finding = weighed(self.definitions, Finding::new(rule, place, message));
        Finding { hint: hint.or(finding.hint), ..finding }
    }

    /// Judges every breach of one environment; each comes with its connector's place in the list.
    pub fn judge(&self, desired: &Desired, all: &[Seen<'_>], breaches: Vec<(usize, Breach)>) -> Verdict {
        let mut verdict = Verdict::default();
        // Beside a folder of `extra` stand others, of which is said elsewhere what each of them lacks.
        let is_judged = |seen: &&Seen<'_>| {
            desired.connectors.get(seen.name).is_some_and(|judged| std::ptr::eq(judged, seen.connector))
        };
        let inherited = Inherited::new(all.iter().filter(is_judged), all, &breaches);
        let mut groups: BTreeMap<(Place, Rule, String), Group<'_>> = BTreeMap::new();
        for (index, breach) in breaches {
            let seen = &all[index];
            let partner = breach.partner.map(|partner| &all[partner]);
            let allowed: Vec<_> = std::iter::once(seen)
                .chain(partner)
                .flat_map(|seen| self.allowances(breach.rule, seen, desired))
                .collect();
            let told = self.told(seen, &breach, &inherited, desired).filter(|_| allowed.is_empty());
            if let Some((place, message)) = told {
                let group = groups.entry((place, breach.rule, message)).or_default();
                group.hint = breach.hint;
                group.names.insert(seen.name);
            }
            verdict.used.extend(allowed.into_iter().map(|allowance| allowance.place.clone()));
        }
        verdict.findings.extend(groups.into_iter().map(|((place, rule, message), Group { hint, names })| {
            let count = self.templates.get(&place).map(|(_, count)| *count);
            let names: Vec<_> = names.into_iter().collect();
            let message = match count {
                // How many are concerned may differ between environments; this does not.
                Some(2..) => {
                    format!("{message} ({} connectors are made from this template)", count.unwrap_or(0))
                }
                Some(_) | None => message,
            };
            let finding = self.finding(rule, place, message, hint);
            match (count, names.as_slice()) {
                (None | Some(..=1), [name]) => finding.of(name),
                (_, _) => finding,
            }
        }));
        verdict
    }

    /// Where a breach can be put right and what is said there; none where it is not for the one who is told.
    fn told(
        &self,
        seen: &Seen<'_>,
        breach: &Breach,
        inherited: &Inherited<'_>,
        desired: &Desired,
    ) -> Option<(Place, String)> {
        let origin = match &breach.key {
            Some(key) => seen.layers(key).last(),
            None => class_origin(seen)
                .filter(|class| inherited.by_all(seen, breach) && self.is_template(&class.place)),
        };
        let (mut place, mut message) =
            (origin.map_or(&seen.connector.place, |origin| &origin.place), breach.message.clone());
        if let Some((origin, own)) = origin.and_then(|o| Some((o, self.own_place(seen, breach, o, desired)?)))
        {
            let what = if breach.key.is_some() { "it" } else { "its class" };
            message += &format!("; `{}` has {what} from {}, at {}", seen.name, origin.layer, origin.place);
            place = own;
        }
        let place = self.guest.as_ref().map_or(Some(place), |guest| guest.place(place, seen, breach));
        Some((place?.clone(), message))
    }

    /// Where the connector itself is to be told of what its template says; none where the template is.
    fn own_place<'s>(
        &self,
        seen: &Seen<'s>,
        breach: &Breach,
        origin: &Origin,
        desired: &Desired,
    ) -> Option<&'s Place>
    where
        'd: 's,
    {
        let (set, _) = self.templates.get(&origin.place)?;
        let connector = self.connectors.get(&seen.connector.place)?;
        let environments = layers::environments(self.definitions, &desired.environment).unwrap_or_default();
        let fed = || fed::place(self.definitions, connector, &environments, *set);
        if let Some(fed) = breach.key.as_ref().and_then(|_| fed()) {
            return Some(fed);
        }
        let is_elsewhere = self.definitions.about.imports.keys().any(|import| origin.place.is_of(import));
        // What differs between connectors is not put right in the template.
        let is_between = breach.partner.is_some() && set.is_computed();
        (is_elsewhere || is_between).then_some(&seen.connector.place)
    }
}

/// A finding that weighs what the repository wants it to.
pub fn weighed(definitions: &Definitions, finding: Finding) -> Finding {
    let severity = definitions.about.lints.get(&finding.rule).copied().unwrap_or(finding.severity);
    Finding { severity, ..finding }
}

/// Every silencing.
pub fn allowances(definitions: &Definitions) -> impl Iterator<Item = &Allowance> {
    let templates = definitions.templates.values().flat_map(|template| &template.allow);
    let connectors = definitions.connectors.values().flat_map(|connector| &connector.allow);
    let environments = definitions.environments.values().flat_map(|environment| &environment.allow);
    templates.chain(connectors).chain(environments).chain(&definitions.about.allow)
}

/// How many connectors are made from each template, those based on it included.
pub fn made_from(definitions: &Definitions) -> HashMap<&str, usize> {
    let mut direct: HashMap<&str, usize> = HashMap::new();
    for template in definitions.connectors.values().filter_map(|connector| connector.template.as_ref()) {
        *direct.entry(template.as_str()).or_default() += 1;
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (name, count) in direct {
        for template in layers::templates(definitions, name).into_iter().flatten() {
            *counts.entry(template.name.as_str()).or_default() += count;
        }
    }
    counts
}

/// Which missing keys all connectors lack that have their class from one place: then that is the
/// place where the key is missing.
struct Inherited<'s> {
    /// How many have their class from there.
    classes: HashMap<&'s Place, usize>,
    /// How many of them lack something.
    lacking: HashMap<(&'s Place, Rule, String), usize>,
}

impl<'s> Inherited<'s> {
    fn new<'a>(
        judged: impl Iterator<Item = &'a Seen<'s>>,
        all: &[Seen<'s>],
        breaches: &[(usize, Breach)],
    ) -> Self
    where
        's: 'a,
    {
        let mut inherited = Self { classes: HashMap::new(), lacking: HashMap::new() };
        let missing: Vec<_> = breaches.iter().filter(|(_, breach)| breach.key.is_none()).collect();
        if missing.is_empty() {
            return inherited;
        }
        for place in judged.filter_map(class_place) {
            *inherited.classes.entry(place).or_default() += 1;
        }
        for (index, Breach { rule, message, .. }) in missing {
            if let Some(place) = class_place(&all[*index]) {
                *inherited.lacking.entry((place, *rule, message.clone())).or_default() += 1;
            }
        }
        inherited
    }

    fn by_all(&self, seen: &Seen<'s>, breach: &Breach) -> bool {
        class_place(seen).is_some_and(|place| {
            let lacking = self.lacking.get(&(place, breach.rule, breach.message.clone()));
            lacking == self.classes.get(place)
        })
    }
}

fn class_place<'s>(seen: &Seen<'s>) -> Option<&'s Place> {
    class_origin(seen).map(|origin| &origin.place)
}

fn class_origin<'s>(seen: &Seen<'s>) -> Option<&'s Origin> {
    seen.layers("connector.class").last()
}
