//! Groups, their members, and robots.

use super::act::{Act, Call, Differences, FieldChange, Verb};
use super::file::{GroupEntry, RobotEntry};
use super::state::{GroupState, State};
use super::text::{MemberText, OwnerText};
use larder_api::{GroupChange, NewGroup, NewRobot, Robot, RobotChange};
use larder_model::UserName;
use toml::Spanned;

fn act(verb: Verb, kind: &'static str, name: &impl ToString, call: Call) -> Act {
    Act {
        verb,
        kind,
        name: name.to_string(),
        fields: Vec::new(),
        call,
    }
}

fn with(act: Act, fields: Vec<FieldChange>) -> Act {
    Act { fields, ..act }
}

fn group_there<'a>(state: &'a State, name: &UserName) -> Option<&'a GroupState> {
    state.groups.iter().find(|it| it.group.name == *name)
}

/// What makes a group what the file says, but for its members.
pub(crate) fn group(entry: &GroupEntry, state: &State) -> Option<Act> {
    let there = group_there(state, &entry.name).map(|it| &it.group);
    let mut differences = Differences::default();
    let before = there.map(|it| it.description.clone());
    let description = differences.of("description", before, entry.description.clone());
    let name = entry.name.clone();
    let done = match there {
        None => {
            let call = Call::CreateGroup(NewGroup { name, description });
            act(Verb::Create, "group", &entry.name, call)
        }
        Some(_) if differences.0.is_empty() => return None,
        Some(there) => {
            let call = Call::ChangeGroup(there.clone(), GroupChange { description });
            act(Verb::Change, "group", &entry.name, call)
        }
    };
    Some(with(done, differences.0))
}

/// Members that come into a group.
pub(crate) fn additions(entry: &GroupEntry, state: &State) -> Vec<Act> {
    let there = group_there(state, &entry.name);
    let is_new = |member: &&MemberText| there.is_none_or(|it| !it.members.contains(&member.0));
    let members = entry.members.as_deref().unwrap_or_default();
    let add = |MemberText(member): &MemberText| {
        let call = Call::AddMember(entry.name.clone(), member.clone());
        act(Verb::Create, "member", &in_group(&entry.name, member), call)
    };
    members.iter().filter(is_new).map(add).collect()
}

/// Members that the file does not name, of a group whose members it names.
pub(crate) fn removals(entry: &GroupEntry, state: &State) -> Vec<Act> {
    let (Some(named), Some(there)) = (&entry.members, group_there(state, &entry.name)) else {
        return Vec::new();
    };
    let unnamed = |member: &&String| !named.iter().any(|MemberText(it)| it == *member);
    let remove = |member: &String| {
        let call = Call::RemoveMember(entry.name.clone(), member.clone());
        act(Verb::Delete, "member", &in_group(&entry.name, member), call)
    };
    there.members.iter().filter(unnamed).map(remove).collect()
}

fn in_group(group: &UserName, member: &str) -> String {
    format!("{member} of group:{group}")
}

/// Groups that the file does not name.
fn unnamed<'a>(
    entries: &'a [Spanned<GroupEntry>],
    state: &'a State,
) -> impl Iterator<Item = &'a GroupState> {
    let is_named = |it: &GroupState| entries.iter().any(|e| e.get_ref().name == it.group.name);
    state.groups.iter().filter(move |it| !is_named(it))
}

/// Takes groups out of groups that the file does not name: they may come to hold others before
/// those go.
pub(crate) fn released(entries: &[Spanned<GroupEntry>], state: &State) -> Vec<Act> {
    let mut acts = Vec::new();
    for GroupState { group, members } in unnamed(entries, state) {
        for member in members.iter().filter(|member| member.starts_with("group:")) {
            let call = Call::RemoveMember(group.name.clone(), member.clone());
            let name = in_group(&group.name, member);
            acts.push(act(Verb::Delete, "member", &name, call));
        }
    }
    acts
}

/// Takes groups away that the file does not name.
pub(crate) fn groups_gone(entries: &[Spanned<GroupEntry>], state: &State) -> Vec<Act> {
    let delete = |it: &GroupState| {
        let call = Call::DeleteGroup(it.group.clone());
        act(Verb::Delete, "group", &it.group.name, call)
    };
    unnamed(entries, state).map(delete).collect()
}

/// What makes a robot what the file says.
pub(crate) fn robot(entry: &RobotEntry, state: &State) -> Option<Act> {
    let there = state.robots.iter().find(|it| it.name == entry.name);
    let mut differences = Differences::default();
    let owner = entry.owner.clone().map(|OwnerText(owner)| owner);
    let owner = differences.of("owner", there.and_then(|it| it.owner.clone()), owner);
    let description = there.map(|it| it.description.clone());
    let description = differences.of("description", description, entry.description.clone());
    // A robot that is made is not disabled.
    let before = there.map_or(Some(false), |it| Some(it.disabled));
    let disabled = differences.of("disabled", before, entry.disabled);
    let name = entry.name.clone();
    let done = match there {
        None => {
            let new = NewRobot {
                name,
                description,
                owner,
            };
            let call = Call::CreateRobot(new, disabled.unwrap_or_default());
            act(Verb::Create, "robot", &entry.name, call)
        }
        Some(_) if differences.0.is_empty() => return None,
        Some(there) => {
            let change = RobotChange {
                description,
                owner,
                disabled,
            };
            let call = Call::ChangeRobot(there.clone(), change);
            act(Verb::Change, "robot", &entry.name, call)
        }
    };
    Some(with(done, differences.0))
}

/// Robots that the file does not name; never the caller.
pub(crate) fn robots_gone(entries: &[Spanned<RobotEntry>], state: &State) -> Vec<Act> {
    let unnamed = |it: &&Robot| {
        let is_named = entries.iter().any(|entry| entry.get_ref().name == it.name);
        !is_named && state.caller.name.as_ref() != Some(&it.name)
    };
    let delete = |it: &Robot| {
        let call = Call::DeleteRobot(it.clone());
        act(Verb::Delete, "robot", &it.name, call)
    };
    state.robots.iter().filter(unnamed).map(delete).collect()
}
