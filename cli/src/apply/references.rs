//! Whether all that things refer to is there once everything is done. Only for superusers, who see
//! all; to others the server says what is missing.

use super::act::Refusal;
use super::file::Resources;
use super::repositories::is_named;
use super::state::{State, path_of};
use super::text::{MemberText, OwnerText};
use larder_api::{RepoKind, Repository};
use larder_model::{ProtocolName, RepoName, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

/// What will be there.
struct Afterwards {
    repositories: BTreeMap<RepoPath, RepoKind>,
    /// All that can be a subject, as subjects.
    subjects: BTreeSet<String>,
    /// The members of groups.
    members: BTreeMap<String, BTreeSet<String>>,
}

/// The first thing that would refer to nothing, or could not be as the file says.
pub(crate) fn check(file: &Resources, state: &State, prune: bool) -> Result<(), Refusal> {
    if !state.caller.superuser {
        return Ok(());
    }
    let after = Afterwards::of(file, state, prune);
    after.repositories(file, state, prune)?;
    after.people(file, state)?;
    after.nesting(file)?;
    for entry in file.grants.iter().flatten() {
        let subject = &entry.get_ref().subject.0;
        if subject.contains(':') && !after.subjects.contains(subject) {
            let sentence = format!("there is no {subject} whom a grant could be for");
            return Err(Refusal::clash(Some(&entry.span()), sentence));
        }
        // A repository that is deleted takes the grants on it alone along.
        let repository = entry.get_ref().repository.as_str();
        let is_it = |it: &&Repository| path_of(it).to_string() == repository;
        if let Some(path) = state.repositories.iter().find(is_it).map(path_of)
            && !after.repositories.contains_key(&path)
        {
            let sentence = format!("a grant on {path}, which is not in the file, would go with it");
            return Err(Refusal::clash(Some(&entry.span()), sentence));
        }
    }
    for entry in file.retention.iter().flatten() {
        let path = &entry.get_ref().repository;
        if !after.repositories.contains_key(path) {
            let sentence = format!("there is no repository {path} that could let something go");
            return Err(Refusal::clash(Some(&entry.span()), sentence));
        }
    }
    Ok(())
}

impl Afterwards {
    fn of(file: &Resources, state: &State, prune: bool) -> Self {
        let (mut repositories, mut subjects) = (BTreeMap::new(), BTreeSet::new());
        let entries = file.repositories.as_deref();
        for it in &state.repositories {
            let path = path_of(it);
            let stays = |entries| !prune || is_named(entries, &path);
            if entries.is_none_or(stays) {
                repositories.insert(path, it.kind);
            }
        }
        for entry in entries.unwrap_or_default() {
            let entry = entry.get_ref();
            let kind = super::repositories::kind_of(entry).unwrap_or(RepoKind::Hosted);
            repositories.entry(entry.name.clone()).or_insert(kind);
        }
        subjects.extend(state.users.iter().map(|name| format!("user:{name}")));
        if !prune || file.robots.is_none() {
            subjects.extend(state.robots.iter().map(|it| format!("robot:{}", it.name)));
        }
        let robots = file.robots.iter().flatten();
        subjects.extend(robots.map(|it| format!("robot:{}", it.get_ref().name)));
        let mut members = BTreeMap::new();
        if !prune || file.groups.is_none() {
            let groups = state.groups.iter();
            members.extend(groups.map(|it| (it.group.name.to_string(), it.members.clone())));
        }
        for entry in file.groups.iter().flatten() {
            let entry = entry.get_ref();
            let there = state.groups.iter().find(|it| it.group.name == entry.name);
            let mut all = there.map(|it| it.members.clone()).unwrap_or_default();
            if let Some(named) = &entry.members {
                if prune {
                    all.clear();
                }
                all.extend(named.iter().map(|MemberText(member)| member.clone()));
            }
            members.insert(entry.name.to_string(), all);
        }
        subjects.extend(members.keys().map(|name| format!("group:{name}")));
        Self {
            repositories,
            subjects,
            members,
        }
    }

    fn repositories(&self, file: &Resources, state: &State, prune: bool) -> Result<(), Refusal> {
        let entries = file.repositories.as_deref().unwrap_or_default();
        for entry in entries {
            let path = &entry.get_ref().name;
            let named = entry.get_ref().members.as_deref();
            for member in named.unwrap_or_default() {
                let member = RepoPath {
                    protocol: path.protocol,
                    name: member.clone(),
                };
                let wrong = match self.repositories.get(&member) {
                    Some(RepoKind::Group) => "is a group itself",
                    Some(_) => continue,
                    None if is_as_it_is(state, path, named) => continue,
                    None => "is not there",
                };
                let sentence = format!(
                    "{path} cannot have the member {}, which {wrong}",
                    member.name
                );
                return Err(Refusal::clash(Some(&entry.span()), sentence));
            }
        }
        // What stays as it is may refer to what goes.
        let silent = entries
            .iter()
            .filter(|it| prune && it.get_ref().members.is_none());
        for entry in silent {
            let path = &entry.get_ref().name;
            let there = state.repositories.iter().find(|it| path_of(it) == *path);
            for member in there
                .and_then(|it| it.members.as_ref())
                .into_iter()
                .flatten()
            {
                let member = RepoPath {
                    protocol: path.protocol,
                    name: member.clone(),
                };
                if !self.repositories.contains_key(&member) {
                    let sentence =
                        format!("{path} has the member {member}, which is not in the file");
                    return Err(Refusal::clash(Some(&entry.span()), sentence));
                }
            }
        }
        self.default_mirror(file, state)
    }

    /// The mirror for names without a repository is one that stays.
    fn default_mirror(&self, file: &Resources, state: &State) -> Result<(), Refusal> {
        let entry = file.settings.as_ref();
        let named = entry.and_then(|entry| entry.get_ref().oci.as_ref());
        let named = named.and_then(|oci| oci.default_mirror.clone());
        let there = state.settings.as_ref();
        let there = there.and_then(|settings| settings.oci.default_mirror.as_ref());
        let is_named = named.is_some();
        let name = named.or_else(|| there.map(RepoName::to_string));
        let Some(name) = name.and_then(|name| name.parse::<RepoName>().ok()) else {
            return Ok(());
        };
        let path = RepoPath {
            protocol: ProtocolName::OCI,
            name,
        };
        if self.repositories.contains_key(&path) {
            return Ok(());
        }
        let span = entry.filter(|_| is_named).map(toml::Spanned::span);
        let sentence =
            format!("the setting oci.default_mirror would name {path}, which is not there");
        Err(Refusal::clash(span.as_ref(), sentence))
    }

    fn people(&self, file: &Resources, state: &State) -> Result<(), Refusal> {
        for entry in file.robots.iter().flatten() {
            let (span, robot) = (entry.span(), entry.get_ref());
            if state.users.contains(&robot.name) {
                let sentence = format!(
                    "there is a user {}: users and robots share one set of names",
                    robot.name
                );
                return Err(Refusal::clash(Some(&span), sentence));
            }
            if let Some(OwnerText(owner)) = &robot.owner
                && !self.subjects.contains(owner)
            {
                let sentence = format!(
                    "there is no {owner} who could answer for robot {}; users are made by larder \
                     user create",
                    robot.name
                );
                return Err(Refusal::clash(Some(&span), sentence));
            }
        }
        for entry in file.groups.iter().flatten() {
            for MemberText(member) in entry.get_ref().members.iter().flatten() {
                if !self.subjects.contains(member) {
                    let group = &entry.get_ref().name;
                    let sentence = format!("there is no {member} who could be in group {group}");
                    return Err(Refusal::clash(Some(&entry.span()), sentence));
                }
            }
        }
        Ok(())
    }

    /// A group holds groups that hold none.
    fn nesting(&self, file: &Resources) -> Result<(), Refusal> {
        for (group, members) in &self.members {
            let groups = members
                .iter()
                .filter_map(|member| member.strip_prefix("group:"));
            for inner in groups {
                let inside = self.members.get(inner);
                if !inside.is_some_and(|it| it.iter().any(|member| member.starts_with("group:"))) {
                    continue;
                }
                let entries = file.groups.iter().flatten();
                let is_one = |name: &str| name == group || name == inner;
                let mut spans = entries.filter(|entry| is_one(entry.get_ref().name.as_str()));
                let Some(entry) = spans.next() else {
                    continue; // not of the file's making
                };
                let sentence = format!(
                    "group {group} would hold group {inner}, which holds groups itself; a group \
                     holds groups that hold none"
                );
                return Err(Refusal::clash(Some(&entry.span()), sentence));
            }
        }
        Ok(())
    }
}

/// Whether a group has these members already: one of them may have been deleted by force.
fn is_as_it_is(state: &State, group: &RepoPath, named: Option<&[RepoName]>) -> bool {
    let there = state.repositories.iter().find(|it| path_of(it) == *group);
    let is_lost = |member: &RepoName| {
        let mut others = state.repositories.iter();
        !others.any(|it| it.protocol == group.protocol && it.name == *member)
    };
    let there = there.and_then(|it| it.members.as_deref());
    there == named && there.is_some_and(|members| members.iter().any(is_lost))
}
