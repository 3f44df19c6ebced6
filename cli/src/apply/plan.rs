//! From what is to be and what is there to what is to be done. Does no IO.

use super::act::{Act, Call, Differences, Refusal, Verb};
use super::file::{Resources, SettingsEntry};
use super::repositories::Passwords;
use super::state::State;
use super::{grants, people, references, repositories, retention, schedules};
use larder_api::{OciSettingsChange, Patch, RepoKind, SettingsChange};
use larder_model::RepoPath;
use toml::Spanned;

/// What is to be done, in this order: what others need is made first and taken away last.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) acts: Vec<Act>,
    /// What is not done, and why.
    pub(crate) notes: Vec<String>,
}

/// Plans. `prune`: what the file does not name goes, of the kinds that it has.
pub(crate) fn plan(
    file: &Resources,
    state: &State,
    passwords: &Passwords,
    prune: bool,
) -> Result<Plan, Refusal> {
    references::check(file, state, prune)?;
    let mut plan = Plan::default();
    let mut groups_of_repositories = Vec::new();
    for entry in file.repositories.iter().flatten() {
        let is_group = repositories::kind_of(entry.get_ref()) == Some(RepoKind::Group);
        let act = repositories::act(entry, state, passwords)?;
        if is_group {
            groups_of_repositories.extend(act);
        } else {
            plan.acts.extend(act);
        }
    }
    plan.acts.extend(groups_of_repositories);
    if let Some(entry) = &file.settings {
        plan.acts.extend(settings(entry, state));
    }
    let groups = || file.groups.iter().flatten().map(Spanned::get_ref);
    plan.acts
        .extend(groups().filter_map(|entry| people::group(entry, state)));
    let robots = file.robots.iter().flatten().map(Spanned::get_ref);
    plan.acts
        .extend(robots.filter_map(|entry| people::robot(entry, state)));
    if prune {
        let entries = file.groups.as_deref();
        plan.acts.extend(
            entries
                .into_iter()
                .flat_map(|it| people::released(it, state)),
        );
        plan.acts
            .extend(groups().flat_map(|entry| people::removals(entry, state)));
    }
    plan.acts
        .extend(groups().flat_map(|entry| people::additions(entry, state)));
    let given = file.grants.iter().flatten().map(Spanned::get_ref);
    plan.acts
        .extend(given.filter_map(|entry| grants::act(entry, state)));
    for entry in file.schedules.iter().flatten() {
        plan.acts.extend(schedules::act(entry, state)?);
    }
    let made_as = |path: &RepoPath| {
        let mut made = file.repositories.iter().flatten().map(Spanned::get_ref);
        let entry = made.find(|entry| entry.name == *path)?;
        Some(repositories::kind_of(entry).unwrap_or(RepoKind::Hosted))
    };
    for entry in file.retention.iter().flatten() {
        plan.acts.extend(retention::act(entry, state, made_as)?);
    }
    if prune {
        plan.take_away(file, state)?;
    }
    Ok(plan)
}

impl Plan {
    /// Takes away what the file does not name, of the kinds that it has.
    fn take_away(&mut self, file: &Resources, state: &State) -> Result<(), Refusal> {
        if let Some(entries) = &file.grants {
            let (acts, notes) = grants::prune(entries, state);
            self.acts.extend(acts);
            self.notes.extend(notes);
        }
        if let Some(entries) = &file.robots {
            self.acts.extend(people::robots_gone(entries, state));
        }
        if let Some(entries) = &file.groups {
            self.acts.extend(people::groups_gone(entries, state));
        }
        if let Some(entries) = &file.repositories {
            self.acts.extend(repositories::prune(entries, state)?);
        }
        Ok(())
    }
}

fn settings(entry: &Spanned<SettingsEntry>, state: &State) -> Option<Act> {
    let there = state.settings.as_ref()?;
    let entry = entry.get_ref();
    let mut differences = Differences::default();
    let mirror = there.oci.default_mirror.as_ref();
    let mirror = mirror.map_or_else(String::new, ToString::to_string);
    let wanted = entry
        .oci
        .as_ref()
        .and_then(|oci| oci.default_mirror.clone());
    let change = SettingsChange {
        offline: differences.of("offline", Some(there.offline), entry.offline),
        oci: differences
            .of("oci.default_mirror", Some(mirror), wanted)
            .map(|mirror| OciSettingsChange {
                default_mirror: Patch::Set(mirror),
            }),
    };
    (!differences.0.is_empty()).then(|| Act {
        verb: Verb::Change,
        kind: "settings",
        name: "server".to_owned(),
        fields: differences.0,
        call: Call::ChangeSettings(there.clone(), change),
    })
}

#[cfg(test)]
mod tests;
