//! What the forms for people have in common: sentences about environments, states and sums.

use std::collections::BTreeMap;

use crate::model::comparison::{
    Brake, Compared, Comparison, Effect, EffectKind, FolderCourse, ImportMove, Presence, Renamed, Standing,
    Suspending, Told,
};
use crate::model::config::Shown;
use crate::model::desired::{DesiredState, Suspend};
use crate::model::name::{ConnectorName, EnvironmentName};
use crate::model::plan::{Change, ChangeKind};
use crate::model::revision::{At, RepositoryName};
use crate::model::warning::Warning;
use crate::view::risks::phrase;
use crate::view::text::{count, line};

/// What becomes of a connector beside its keys, in pieces.
pub fn notes(effect: &Effect) -> Vec<String> {
    let Effect { kind, before, after, changes: _, keep, suspend, renamed, held, told, leaves: _ } = effect;
    let mut notes: Vec<String> = state(*kind, *before, *after).into_iter().collect();
    notes.extend(
        keep.map(|keep| if keep { "is kept from now on" } else { "is not kept any more" }.to_owned()),
    );
    notes.extend(match suspend {
        Suspending::Unchanged => None,
        Suspending::Begins(suspend) => Some(format!("suspended: {}", said(suspend))),
        Suspending::Ends => Some("not suspended any more: what waits is written too".to_owned()),
    });
    notes.extend(renamed.as_ref().map(|Renamed { other, does }| match (kind, does) {
        (EffectKind::Unmanage, _) => format!("renamed to {other}? Both would run"),
        (EffectKind::Delete, _) => format!("renamed to {other}?"),
        // Where it is held, that tells more.
        (EffectKind::Create | EffectKind::Change, Some(does)) if held.is_none() => {
            format!("renamed from {other}? {}", line(does))
        }
        (EffectKind::Create | EffectKind::Change, _) => format!("renamed from {other}?"),
    }));
    notes.extend(held.iter().flat_map(brake));
    notes.extend(told.iter().map(danger));
    notes
}

/// What may happen and stops nothing.
fn danger(Told { key, row: _, harm, standing, consequence }: &Told) -> String {
    line(&format!("{}: {consequence}", phrase(key, *harm, standing)))
}

/// A brake, line by line, with what releases it.
fn brake(Brake { hold, detail, release }: &Brake) -> Vec<String> {
    let mut said = detail.lines().map(line);
    let first = format!("held, {}: {}", hold.name(), said.next().unwrap_or_default());
    let mut told: Vec<_> = std::iter::once(first).chain(said).collect();
    if let Some(release) = release {
        told.push("to release it, add:".to_owned());
        told.extend(release.lines().map(|each| format!("  {}", line(each))));
    }
    told
}

fn state(kind: EffectKind, before: Option<DesiredState>, after: Option<DesiredState>) -> Option<String> {
    match (kind, before, after) {
        (EffectKind::Create, _, Some(DesiredState::Running) | None) => None,
        (EffectKind::Create, _, Some(state)) => Some(format!("to be {}", state.name())),
        (EffectKind::Delete, _, None) => Some("no longer declared".to_owned()),
        (EffectKind::Delete, ..) => Some("declared absent".to_owned()),
        (EffectKind::Unmanage, Some(DesiredState::Absent), _) => {
            Some("no longer declared absent; nothing happens".to_owned())
        }
        (EffectKind::Unmanage, ..) => Some("no longer declared; it goes on running".to_owned()),
        (EffectKind::Change, Some(before), Some(after)) if before != after => {
            Some(format!("{} → {}", before.name(), after.name()))
        }
        (EffectKind::Change, ..) => None,
    }
}

fn said(suspend: &Suspend) -> String {
    let until = suspend.until.map(|until| format!(", until {until}")).unwrap_or_default();
    format!("{}{until}", line(&suspend.reason))
}

/// A change with its sign: before and after, an arrow between them where there are both.
pub fn values(change: &Change) -> (&'static str, Option<&Shown>, Option<&Shown>) {
    match &change.kind {
        ChangeKind::Added { after } => ("+", None, Some(after)),
        ChangeKind::Removed { before } => ("-", Some(before), None),
        ChangeKind::Changed { before, after } => ("~", Some(before), Some(after)),
    }
}

/// Says that a value is an example.
pub fn own(of: &ConnectorName) -> String {
    format!("  (of {of}; each has its own)")
}

/// What is to be said of an environment as a whole.
pub fn about(one: &Compared) -> Vec<String> {
    let Compared {
        environment,
        presence,
        comparable,
        taken,
        folders,
        findings: _,
        suspend,
        effects,
        warnings: _,
        unchanged: _,
    } = one;
    let mut told = Vec::new();
    match presence {
        Presence::New if *taken => {
            told.push(format!(
                "{environment} is new, with {}",
                count(effects.len(), "connector", "connectors")
            ));
        }
        Presence::Gone => {
            told.push(format!(
                "{environment} is gone: its agents refuse the new revision and stay at the last good one"
            ));
        }
        Presence::New | Presence::Both => {}
    }
    if *presence != Presence::Gone && !taken {
        told.push(format!("{environment} would not take the new revision: it is not valid there"));
    } else if !comparable && *presence == Presence::Both {
        told.push(format!(
            "{environment} cannot be compared: the old revision was not valid there, so no agent applied it"
        ));
    }
    if *taken {
        told.extend(folders.iter().map(|(name, course)| folder(environment, name, *course)));
    }
    match suspend {
        Suspending::Unchanged => {}
        Suspending::Begins(suspend) => told.push(format!("{environment} is suspended: {}", said(suspend))),
        Suspending::Ends => {
            told.push(format!("{environment} is not suspended any more: what waits there is written too"));
        }
    }
    told
}

/// What the newer revision says that does nothing, each once, with the environments where it is so.
pub fn warnings(environments: &[Compared]) -> Vec<String> {
    let mut told: BTreeMap<&Warning, Vec<&str>> = BTreeMap::new();
    for one in environments {
        for warning in &one.warnings {
            told.entry(warning).or_default().push(one.environment.as_str());
        }
    }
    let each = |(warning, environments): (&Warning, Vec<&str>)| {
        let of = warning.connector.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        format!("{of}{warning} (in {})", environments.join(", "))
    };
    told.into_iter().map(each).collect()
}

/// What becomes of a folder that is broken beside one of both revisions.
fn folder(environment: &EnvironmentName, name: &RepositoryName, course: FolderCourse) -> String {
    let folder = line(name.folder().unwrap_or(name.as_str()));
    match course {
        FolderCourse::Breaks => format!(
            "{environment} would take the new revision, which breaks the folder {folder}: what it declared last stays"
        ),
        FolderCourse::Broken => format!(
            "in {environment} the folder {folder} was broken before, and the new revision adds no mistake: `validate --extra` tells more"
        ),
        FolderCourse::Mended => format!(
            "in {environment} the folder {folder} was broken before, and is not any more: what it declares is told as new"
        ),
    }
}

/// What is to be said of an import that moves.
pub fn import(moved: &ImportMove) -> Vec<String> {
    std::iter::once(stands(moved)).chain(one_folder(moved)).collect()
}

/// Says that both sides were read from the same folder, so that what the move brings cannot show.
fn one_folder(ImportMove { name, before, after }: &ImportMove) -> Option<String> {
    let folder = |standing: &Option<Standing>| match standing.as_ref()?.at.as_ref()? {
        At::Directory { path, .. } => Some(path.clone()),
        At::Git { .. } => None,
    };
    let (before, after) = (folder(before)?, folder(after)?);
    (before == after).then(|| {
        let folder = line(after.as_ref());
        format!("both sides of import {name} were read from {folder}: what its templates change is not shown")
    })
}

/// Where an import stands before and after.
fn stands(moved: &ImportMove) -> String {
    let ImportMove { name, before, after } = moved;
    match (before, after) {
        (Some(before), Some(after)) if before.git == after.git && before.path == after.path => {
            format!("import {name} moves from {} to {}", standing(before), standing(after))
        }
        (Some(before), Some(after)) => {
            let (old, new) = (place(before), place(after));
            format!("import {name} moves from {old}, {} to {new}, {}", standing(before), standing(after))
        }
        (None, Some(after)) => format!("import {name} is new: {}, {}", place(after), standing(after)),
        (Some(before), None) => {
            format!("import {name} is gone; it was {}, {}", place(before), standing(before))
        }
        (None, None) => format!("import {name}"),
    }
}

fn place(Standing { git, path, reference: _, at: _ }: &Standing) -> String {
    if &**path == "." { line(git) } else { line(&format!("{git} ({path})")) }
}

/// The ref that is asked for, and what was read for it.
fn standing(Standing { reference, at, git: _, path: _ }: &Standing) -> String {
    let short = ["refs/tags/", "refs/heads/"].iter().find_map(|place| reference.strip_prefix(place));
    let short = line(short.unwrap_or(reference));
    match at {
        Some(At::Git { commit, .. }) => format!("{short} at {}", commit.short()),
        Some(At::Directory { path, .. }) => format!("{short} (read from {})", line(path)),
        None => short,
    }
}

/// The counting last line, without its full stop.
pub fn sum(comparison: &Comparison) -> String {
    let wrong = comparison.environments.iter().filter(|one| !one.taken && one.findings.has_errors());
    let names: Vec<_> = wrong.map(|one| one.environment.as_str()).collect();
    if !names.is_empty() {
        return format!("Not valid for {}: an agent there stays at the last good revision", names.join(", "));
    }
    if comparison.findings.has_errors() {
        return "Not valid, and there is no environment to compare".to_owned();
    }
    if comparison.is_empty() {
        let where_ = match comparison.environments.len() {
            0 => "There is no environment to compare".to_owned(),
            found => format!("{} would stay as they are", count(found, "environment", "environments")),
        };
        return format!("No changes. {where_}");
    }
    let of = |kind: EffectKind| comparison.effects().filter(|effect| effect.kind == kind).count();
    let mut parts = vec![
        format!("{} to create", of(EffectKind::Create)),
        format!("{} to change", of(EffectKind::Change)),
        format!("{} to delete", of(EffectKind::Delete)),
    ];
    let (unmanaged, held) =
        (of(EffectKind::Unmanage), comparison.effects().filter(|effect| effect.held.is_some()).count());
    parts.extend((unmanaged > 0).then(|| format!("{unmanaged} no longer declared")));
    parts.extend((held > 0).then(|| format!("{held} held")));
    let broken = comparison.broken().len();
    parts.extend((broken > 0).then(|| format!("{} broken", count(broken, "folder", "folders"))));
    let environments = count(comparison.environments.len(), "environment", "environments");
    format!("In {environments}: {}", parts.join(", "))
}
