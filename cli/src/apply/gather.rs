//! Reads what there is, all pages of it.

use super::file::Resources;
use super::repositories::is_named;
use super::state::{GroupState, RetentionState, State, path_of};
use crate::client::Client;
use crate::failure::Failure;
use larder_api::{Caller, Group, GroupMember, List, RepoKind, Repository, User};
use larder_model::RepoPath;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// What can be read besides repositories.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Settings,
    Groups,
    Robots,
    Grants,
    Schedules,
}

/// All that the caller may see.
pub(crate) fn all(caller: &Caller) -> Vec<Part> {
    let mut parts = vec![Part::Robots, Part::Grants];
    if caller.superuser {
        parts.extend([Part::Settings, Part::Groups, Part::Schedules]);
    }
    parts
}

/// What a file speaks of. A superuser is told what is missing before anything is done, and for that
/// all is looked at.
pub(crate) fn of(file: &Resources, caller: &Caller) -> Vec<Part> {
    let all = caller.superuser;
    let parts = [
        (Part::Settings, all || file.settings.is_some()),
        (Part::Groups, all || file.groups.is_some()),
        (Part::Robots, all || file.robots.is_some()),
        (Part::Grants, file.grants.is_some()),
        (Part::Schedules, file.schedules.is_some()),
    ];
    let parts = parts.into_iter().filter(|(_, is_wanted)| *is_wanted);
    parts.map(|(part, _)| part).collect()
}

/// Who asks.
pub(crate) async fn caller(client: &Client) -> Result<Caller, Failure> {
    client.read(&client.get(&["whoami"], &[]).await?, "a caller")
}

/// What there is.
pub(crate) async fn state(
    client: &Client,
    caller: Caller,
    parts: &[Part],
) -> Result<State, Failure> {
    let mut state = State {
        settings: None,
        repositories: list(client, &["repositories"]).await?,
        filled: BTreeSet::new(),
        groups: Vec::new(),
        robots: Vec::new(),
        grants: Vec::new(),
        schedules: Vec::new(),
        retentions: Vec::new(),
        users: BTreeSet::new(),
        shared_quotas: 0,
        caller,
    };
    if parts.contains(&Part::Settings) {
        let settings = client.get(&["settings"], &[]).await?;
        state.settings = Some(client.read(&settings, "settings")?);
    }
    if parts.contains(&Part::Groups) {
        for group in list::<Group>(client, &["groups"]).await? {
            let path = ["groups", group.name.as_str(), "members"];
            let members = list::<GroupMember>(client, &path).await?.into_iter();
            let members = members.map(|it| it.member).collect();
            state.groups.push(GroupState { group, members });
        }
    }
    if parts.contains(&Part::Robots) {
        state.robots = list(client, &["robots"]).await?;
    }
    if parts.contains(&Part::Grants) {
        state.grants = list(client, &["grants"]).await?;
    }
    if parts.contains(&Part::Schedules) {
        state.schedules = list(client, &["schedules"]).await?;
    }
    if state.caller.superuser {
        let users = list::<User>(client, &["users"]).await?.into_iter();
        state.users = users.map(|user| user.name).collect();
    }
    Ok(state)
}

/// Asks how many quotas repositories share, of whoever may know.
pub(crate) async fn shared_quotas(client: &Client, state: &mut State) -> Result<(), Failure> {
    if state.caller.superuser {
        let quotas = list::<serde_json::Value>(client, &["quotas"]).await?;
        state.shared_quotas = quotas.len();
    }
    Ok(())
}

/// Asks what repositories let go that are there.
pub(crate) async fn retentions(
    client: &Client,
    wanted: impl Fn(&Repository) -> bool,
    state: &mut State,
) -> Result<(), Failure> {
    for repository in state.repositories.iter().filter(|it| wanted(it)) {
        let path = path_of(repository);
        let own = [
            "repositories",
            path.protocol.0,
            path.name.as_str(),
            "retention",
        ];
        let policy = client.read(&client.get(&own, &[]).await?, "a retention")?;
        state.retentions.push(RetentionState {
            repository: path,
            policy,
        });
    }
    Ok(())
}

/// Looks into the repositories that the file does not name.
pub(crate) async fn look_into_unnamed(
    client: &Client,
    file: &Resources,
    state: &mut State,
) -> Result<(), Failure> {
    let Some(entries) = &file.repositories else {
        return Ok(());
    };
    let unnamed = |it: &&Repository| !is_named(entries, &path_of(it));
    let unnamed: Vec<Repository> = state.repositories.iter().filter(unnamed).cloned().collect();
    for repository in unnamed {
        let path = path_of(&repository);
        // A group holds what its members hold.
        if repository.kind != RepoKind::Group && is_filled(client, &path).await? {
            state.filled.insert(path);
        }
    }
    Ok(())
}

/// Whether there is something in a repository, its trash included.
pub(crate) async fn is_filled(client: &Client, path: &RepoPath) -> Result<bool, Failure> {
    for part in ["packages", "trash"] {
        let path = ["repositories", path.protocol.0, path.name.as_str(), part];
        let page = client.get(&path, &[("limit", "1")]).await?;
        let page: List<serde_json::Value> = client.read(&page, "a list of what is there")?;
        // A page can be empty that is not the last.
        if !page.items.is_empty() || page.next.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn list<T: DeserializeOwned>(client: &Client, path: &[&str]) -> Result<Vec<T>, Failure> {
    let page = client.all(path, &[]).await?;
    let page: List<T> = client.read(&page, "a list that larder answers")?;
    Ok(page.items)
}
