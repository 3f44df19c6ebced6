//! Grants. They have no names: a grant is the same if it gives the same role to the same subject on
//! the same things.

use super::act::{Act, Call, Differences, Verb};
use super::file::GrantEntry;
use super::state::State;
use super::text::NetworkText;
use larder_api::{Caller, Grant, NewGrant, UserKind};
use larder_model::{Pattern, Role};
use toml::Spanned;

/// What the same grant has.
type Key<'a> = (&'a str, &'a str, &'a str, Option<&'a str>, Role);

/// Of the file.
pub(crate) fn key(entry: &GrantEntry) -> Key<'_> {
    let (repository, package) = (entry.repository.as_str(), entry.package.as_str());
    let refs = entry.refs.as_ref().map(Pattern::as_str);
    (&entry.subject.0, repository, package, refs, entry.role)
}

/// Of what is there.
fn key_there(grant: &Grant) -> Key<'_> {
    let (repository, package) = (grant.repository.as_str(), grant.package.as_str());
    let refs = grant.refs.as_ref().map(Pattern::as_str);
    (&grant.subject, repository, package, refs, grant.role)
}

/// How a grant is told.
pub(crate) fn told((subject, repository, package, refs, role): Key<'_>) -> String {
    let package = if package == "*" {
        String::new()
    } else {
        format!(" {package}")
    };
    let refs = refs.map_or_else(String::new, |refs| format!(" {refs}"));
    format!("{subject} {} {repository}{package}{refs}", role.word())
}

/// What makes a grant what the file says.
pub(crate) fn act(entry: &GrantEntry, state: &State) -> Option<Act> {
    let there = state.grants.iter().find(|it| key_there(it) == key(entry));
    let networks: Vec<String> = entry
        .networks
        .iter()
        .map(|NetworkText(it)| it.clone())
        .collect();
    let new = NewGrant {
        subject: entry.subject.0.clone(),
        repository: entry.repository.clone(),
        package: Some(entry.package.clone()).filter(|package| !package.is_all()),
        refs: entry.refs.clone(),
        role: entry.role,
        networks: Some(networks.clone()).filter(|networks| !networks.is_empty()),
    };
    let mut differences = Differences::default();
    let before = there.map_or_else(Vec::new, |it| it.networks.clone());
    differences.of("networks", Some(sorted(before)), Some(sorted(networks)));
    let (verb, call) = match there {
        None => (Verb::Create, Call::CreateGrant(new)),
        Some(_) if differences.0.is_empty() => return None,
        // Nothing but one of both can be there: they have the same key.
        Some(there) => (Verb::Change, Call::ReplaceGrant(there.clone(), new)),
    };
    Some(Act {
        verb,
        kind: "grant",
        name: told(key(entry)),
        fields: differences.0,
        call,
    })
}

fn sorted(mut networks: Vec<String>) -> Vec<String> {
    networks.sort_unstable();
    networks.dedup();
    networks
}

/// Takes back what the file does not name, and tells of those that stay because the caller may need
/// them to go on.
pub(crate) fn prune(entries: &[Spanned<GrantEntry>], state: &State) -> (Vec<Act>, Vec<String>) {
    let (mut acts, mut kept) = (Vec::new(), Vec::new());
    for grant in &state.grants {
        if entries
            .iter()
            .any(|entry| key(entry.get_ref()) == key_there(grant))
        {
            continue;
        }
        let name = told(key_there(grant));
        if is_needed(grant, &state.caller) {
            kept.push(format!(
                "the grant {name} is not in the file, and stays: you may need it to go on"
            ));
            continue;
        }
        acts.push(Act {
            verb: Verb::Delete,
            kind: "grant",
            name,
            fields: Vec::new(),
            call: Call::DeleteGrant(grant.clone()),
        });
    }
    (acts, kept)
}

/// Whether the caller may give grants by this one, as far as is known. A superuser needs none.
fn is_needed(grant: &Grant, caller: &Caller) -> bool {
    let word = match caller.kind {
        Some(UserKind::Robot) => "robot",
        _ => "user",
    };
    let own = caller.name.as_ref().map(|name| format!("{word}:{name}"));
    let is_anothers = |subject: &str| {
        let is_one = subject.starts_with("user:") || subject.starts_with("robot:");
        is_one && own.as_deref() != Some(subject)
    };
    !caller.superuser && grant.role == Role::Admin && !is_anothers(&grant.subject)
}
