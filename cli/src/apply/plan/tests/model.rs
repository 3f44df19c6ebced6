//! A server that does what calls say, and refuses what the real one refuses.

use super::*;
use crate::apply::state::{RetentionState, path_of};
use larder_api::{
    Grant, NewGrant, NewRepository, Patch, Quota, Readers, RepoKind, Repository, RepositoryChange,
    Robot, RobotChange, Upstream, UpstreamChange,
};
use larder_model::{Pattern, ProtocolName, Timestamp};
use std::num::NonZeroU32;

/// Carries out a plan, act by act.
pub(super) fn carry_out(state: &mut State, plan: &Plan) -> Result<(), String> {
    for act in &plan.acts {
        call(state, &act.call).map_err(|why| format!("{}: {why}", act.name))?;
    }
    Ok(())
}

fn demand(holds: bool, why: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

fn at<T>(items: &[T], is: impl Fn(&T) -> bool) -> Result<usize, String> {
    items
        .iter()
        .position(is)
        .ok_or_else(|| "it is not there".to_owned())
}

fn call(state: &mut State, call: &Call) -> Result<(), String> {
    match call {
        Call::CreateRepository(new) => create_repository(state, new),
        Call::ChangeRepository(before, change) => {
            let place = at(&state.repositories, |it| it == &**before)?;
            let changed = changed(state, state.repositories[place].clone(), change)?;
            state.repositories[place] = changed;
            Ok(())
        }
        Call::DeleteRepository(before) => delete_repository(state, before),
        Call::ChangeSettings(before, change) => {
            demand(state.settings.as_ref() == Some(before), "changed")?;
            let mut settings = before.clone();
            settings.offline = change.offline.unwrap_or(settings.offline);
            let mirror = change.oci.as_ref().map(|oci| &oci.default_mirror);
            if let Some(Patch::Set(name)) = mirror {
                let is_there = |it: &Repository| format!("oci/{name}") == path_of(it).to_string();
                let is_there = name.is_empty() || state.repositories.iter().any(is_there);
                demand(is_there, "no such mirror")?;
                settings.oci.default_mirror = name.parse().ok();
            }
            state.settings = Some(settings);
            Ok(())
        }
        Call::ChangeRetention(path, before, new) => {
            at(&state.repositories, |it| path_of(it) == *path)?;
            let known = state.retentions.iter().find(|it| it.repository == *path);
            let known = known.map(|it| &it.policy);
            demand(known == before.as_deref(), "changed")?;
            let policy = serde_json::from_value(json!({
                "enabled": new.enabled, "rules": new.rules, "protect": new.protect,
                "untagged_after": new.untagged_after, "unused_after": new.unused_after,
                "max_bytes": new.max_bytes, "trash": new.trash,
            }));
            state.retentions.retain(|it| it.repository != *path);
            state.retentions.push(RetentionState {
                repository: path.clone(),
                policy: policy.expect("policy"),
            });
            Ok(())
        }
        Call::ChangeSchedule(before, new) => {
            let place = at(&state.schedules, |it| it == &**before)?;
            let there = &mut state.schedules[place];
            there.cron.clone_from(&new.cron);
            there.enabled = new.enabled.ok_or("it would be enabled")?;
            Ok(())
        }
        _ => people(state, call),
    }
}

fn people(state: &mut State, call: &Call) -> Result<(), String> {
    match call {
        Call::CreateGroup(new) => {
            let is_new = state.groups.iter().all(|it| it.group.name != new.name);
            demand(is_new, "there is one")?;
            let group = json!({"name": new.name, "description": new.description.clone().unwrap_or_default(),
                "created_at": Timestamp(1)});
            state.groups.push(GroupState {
                group: serde_json::from_value(group).expect("group"),
                members: std::collections::BTreeSet::new(),
            });
        }
        Call::ChangeGroup(before, change) => {
            let place = at(&state.groups, |it| it.group == *before)?;
            let group = &mut state.groups[place].group;
            group.description = change.description.clone().expect("a change");
        }
        Call::DeleteGroup(before) => {
            let place = at(&state.groups, |it| it.group == *before)?;
            state.groups.remove(place);
            forget(state, &format!("group:{}", before.name));
        }
        Call::CreateRobot(new, disabled) => {
            let is_new = state.robots.iter().all(|it| it.name != new.name);
            demand(is_new && !state.users.contains(&new.name), "there is one")?;
            let robot = json!({"name": new.name, "created_at": Timestamp(1), "disabled": disabled,
                "description": new.description.clone().unwrap_or_default(),
                "owner": new.owner.clone().unwrap_or("user:admin".to_owned())});
            state
                .robots
                .push(serde_json::from_value(robot).expect("robot"));
        }
        Call::ChangeRobot(before, change) => change_robot(state, before, change)?,
        Call::DeleteRobot(before) => {
            let place = at(&state.robots, |it| it == before)?;
            state.robots.remove(place);
            forget(state, &format!("robot:{}", before.name));
        }
        Call::AddMember(group, member) => {
            demand(is_subject(state, member), "no such member")?;
            let holds = |name: &str| {
                let group = state
                    .groups
                    .iter()
                    .find(|it| it.group.name.as_str() == name);
                group.is_some_and(|it| it.members.iter().any(|it| it.starts_with("group:")))
            };
            let own = format!("group:{group}");
            let is_held = state.groups.iter().any(|it| it.members.contains(&own));
            if let Some(inner) = member.strip_prefix("group:") {
                demand(
                    !holds(inner) && !is_held && *member != own,
                    "a second level",
                )?;
            }
            let place = at(&state.groups, |it| it.group.name == *group)?;
            demand(
                state.groups[place].members.insert(member.clone()),
                "it is in it",
            )?;
        }
        Call::RemoveMember(group, member) => {
            let place = at(&state.groups, |it| it.group.name == *group)?;
            demand(
                state.groups[place].members.remove(member),
                "it is not in it",
            )?;
        }
        Call::CreateGrant(new) => create_grant(state, new)?,
        Call::ReplaceGrant(before, new) => {
            delete_grant(state, before)?;
            create_grant(state, new)?;
        }
        Call::DeleteGrant(before) => delete_grant(state, before)?,
        _ => unreachable!("a call of repositories"),
    }
    Ok(())
}

fn change_robot(state: &mut State, before: &Robot, change: &RobotChange) -> Result<(), String> {
    let place = at(&state.robots, |it| it == before)?;
    if let Some(owner) = &change.owner {
        demand(is_subject(state, owner), "no such owner")?;
        state.robots[place].owner = Some(owner.clone());
    }
    let robot = &mut state.robots[place];
    robot.disabled = change.disabled.unwrap_or(robot.disabled);
    if let Some(description) = &change.description {
        robot.description.clone_from(description);
    }
    Ok(())
}

fn is_subject(state: &State, text: &str) -> bool {
    match text.split_once(':') {
        Some(("user", name)) => state.users.iter().any(|it| it.as_str() == name),
        Some(("robot", name)) => state.robots.iter().any(|it| it.name.as_str() == name),
        Some(("group", name)) => state.groups.iter().any(|it| it.group.name.as_str() == name),
        _ => text == "authenticated" || text == "anonymous",
    }
}

/// Someone is gone, with memberships and grants.
fn forget(state: &mut State, subject: &str) {
    for group in &mut state.groups {
        group.members.remove(subject);
    }
    state.grants.retain(|it| it.subject != subject);
}

fn create_grant(state: &mut State, new: &NewGrant) -> Result<(), String> {
    demand(is_subject(state, &new.subject), "no such subject")?;
    let package = new.package.clone().unwrap_or_else(Pattern::all);
    let is_same = |it: &Grant| {
        (&it.subject, &it.repository, &it.package, &it.refs, it.role)
            == (&new.subject, &new.repository, &package, &new.refs, new.role)
    };
    demand(!state.grants.iter().any(is_same), "the very same")?;
    let ids = state
        .grants
        .iter()
        .map(|it| it.id.parse::<u64>().expect("id"));
    let id = ids.max().unwrap_or_default() + 1;
    state.grants.push(Grant {
        id: id.to_string(),
        subject: new.subject.clone(),
        repository: new.repository.clone(),
        package,
        refs: new.refs.clone(),
        role: new.role,
        created_at: Timestamp(1),
        created_by: "user:admin".to_owned(),
        networks: new.networks.clone().unwrap_or_default(),
        warning: None,
    });
    Ok(())
}

fn delete_grant(state: &mut State, before: &Grant) -> Result<(), String> {
    let place = at(&state.grants, |it| it.id == before.id)?;
    state.grants.remove(place);
    Ok(())
}

fn create_repository(state: &mut State, new: &NewRepository) -> Result<(), String> {
    let kind = new.kind.expect("a kind");
    let is_of_images = new.protocol == ProtocolName::OCI;
    let empty = Repository {
        protocol: new.protocol,
        name: new.name.clone(),
        kind,
        description: String::new(),
        created_at: Timestamp(1),
        open: None,
        readable_by: Readers::Granted,
        offline: (kind == RepoKind::Mirror).then_some(false),
        offline_by: None,
        fresh_seconds: None,
        serve_vanished: (kind == RepoKind::Mirror).then_some(is_of_images),
        upstream: None,
        members: (kind == RepoKind::Group).then(Vec::new),
        blocked: (kind != RepoKind::Hosted).then(Vec::new),
        signing_key: None,
        immutable: (kind == RepoKind::Hosted).then(Vec::new),
        sparse_images: (kind == RepoKind::Hosted && is_of_images).then_some(false),
        quota: (kind == RepoKind::Hosted).then_some(Quota {
            bytes: None,
            versions: None,
            warning: None,
        }),
        usage: None,
    };
    let path = path_of(&empty);
    demand(
        state.repositories.iter().all(|it| path_of(it) != path),
        "there is one",
    )?;
    demand(
        kind != RepoKind::Group || new.members.is_some(),
        "no members",
    )?;
    let again: NewRepository = serde_json::from_value(json!(new)).expect("the same");
    let (_, _, change) = again.into_parts();
    let made = changed(state, empty, &change)?;
    state.repositories.push(made);
    Ok(())
}

fn delete_repository(state: &mut State, before: &Repository) -> Result<(), String> {
    let path = path_of(before);
    demand(!state.filled.contains(&path), "not empty")?;
    let refers = |it: &Repository| {
        let members = it.members.as_deref().unwrap_or_default();
        it.protocol == before.protocol && members.contains(&before.name)
    };
    demand(!state.repositories.iter().any(refers), "a member")?;
    let settings = state.settings.as_ref().expect("settings");
    let mirror = settings.oci.default_mirror.as_ref();
    let is_mirror = mirror == Some(&before.name) && path.protocol.0 == "oci";
    demand(!is_mirror, "the default mirror")?;
    let place = at(&state.repositories, |it| it == before)?;
    state.repositories.remove(place);
    state
        .grants
        .retain(|it| it.repository.as_str() != path.to_string());
    Ok(())
}

/// A repository with what is changed.
fn changed(
    state: &State,
    mut it: Repository,
    change: &RepositoryChange,
) -> Result<Repository, String> {
    let [hosted, mirror, group] = [RepoKind::Hosted, RepoKind::Mirror, RepoKind::Group];
    if let Some(change) = &change.upstream {
        demand(it.kind == mirror, "upstream")?;
        let is_known = |it: &Upstream| it.has_password || it.client_certificate.is_some();
        let had_credentials = it.upstream.as_ref().is_some_and(is_known);
        let upstream = with_upstream(it.upstream.take(), change)?;
        if is_known(&upstream) && !had_credentials {
            it.open = None;
        }
        it.upstream = Some(upstream);
    }
    it.open = change.open.apply(it.open);
    if let Some(description) = &change.description {
        it.description.clone_from(description);
    }
    if change.offline.is_some() || change.fresh_seconds.is_some() {
        demand(it.kind == mirror, "of mirrors")?;
        it.offline = change.offline.or(it.offline);
        it.fresh_seconds = change.fresh_seconds.or(it.fresh_seconds);
    }
    if change.serve_vanished.is_some() {
        demand(it.kind == mirror, "of mirrors")?;
        it.serve_vanished = change.serve_vanished;
    }
    if let Some(members) = &change.members {
        demand(it.kind == group && !members.is_empty(), "members")?;
        for member in members {
            let is_it = |other: &Repository| {
                (other.protocol, &other.name) == (it.protocol, member) && other.kind != group
            };
            demand(state.repositories.iter().any(is_it), "no such member")?;
        }
        it.members = Some(members.clone());
    }
    if let Some(blocked) = &change.blocked {
        demand(it.kind != hosted, "blocked")?;
        it.blocked = Some(blocked.clone());
    }
    if let Some(immutable) = &change.immutable {
        demand(it.kind == hosted, "immutable")?;
        it.immutable = Some(immutable.clone());
    }
    if change.sparse_images.is_some() {
        demand(it.sparse_images.is_some(), "of images")?;
        it.sparse_images = change.sparse_images;
    }
    if let Patch::Set(quota) = change.quota {
        demand(it.kind == hosted, "quota")?;
        let before = it.quota.unwrap_or(Quota {
            bytes: None,
            versions: None,
            warning: None,
        });
        it.quota = Some(Quota {
            bytes: quota.bytes.apply(before.bytes),
            versions: quota.versions.apply(before.versions),
            warning: None,
        });
    }
    Ok(it)
}

fn with_upstream(before: Option<Upstream>, change: &UpstreamChange) -> Result<Upstream, String> {
    let before_url = before.as_ref().map(|it| it.url.clone());
    let url = change.url.clone().or(before_url).ok_or("no url")?;
    let log = before.clone();
    let mut it = before
        .filter(|it| it.url == url)
        .unwrap_or_else(|| Upstream {
            url,
            mirror_list: None,
            username: None,
            has_password: false,
            client_certificate: None,
            client_certificate_expires_at: None,
            ca_certificate: None,
            trusted_keys: None,
            allow_private: false,
            allow: Vec::new(),
            token_origins: Vec::new(),
            requests_per_minute: None,
            absent_statuses: larder_model::upstream::AbsentStatuses::default(),
            answer_time: None,
            checksum_database: log.as_ref().and_then(|it| it.checksum_database.clone()),
            checksum_database_url: log.as_ref().and_then(|it| it.checksum_database_url.clone()),
            checksum_database_except: log
                .as_ref()
                .map_or_else(Vec::new, |it| it.checksum_database_except.clone()),
            vulnerability_database: log.and_then(|it| it.vulnerability_database),
        });
    if let Some(list) = &change.mirror_list {
        it.mirror_list = Some(list.clone()).filter(|list| !list.is_empty());
    }
    if let Some(name) = &change.username {
        it.username = Some(name.clone()).filter(|name| !name.is_empty());
    }
    it.has_password |= change.password.is_some();
    if let Some(certificate) = &change.client_certificate {
        demand(change.client_key.is_some(), "a key")?;
        it.client_certificate = Some(certificate.clone());
    }
    if let Some(authorities) = &change.ca_certificate {
        it.ca_certificate = Some(authorities.clone());
    }
    if let Some(keys) = &change.trusted_keys {
        it.trusted_keys = Some(keys.clone());
    }
    it.allow_private = change.allow_private.unwrap_or(it.allow_private);
    if let Some(allow) = &change.allow {
        it.allow.clone_from(allow);
    }
    if let Some(origins) = &change.token_origins {
        it.token_origins.clone_from(origins);
    }
    if let Some(rate) = change.requests_per_minute {
        it.requests_per_minute = NonZeroU32::new(rate);
    }
    if let Some(statuses) = &change.absent_statuses {
        it.absent_statuses = statuses.clone().try_into().map_err(|_| "statuses")?;
    }
    if let Patch::Set(time) = change.answer_time {
        it.answer_time = Some(time);
    }
    if let Some(address) = &change.vulnerability_database {
        it.vulnerability_database = Some(address.clone()).filter(|address| !address.is_empty());
    }
    with_log(&mut it, change)?;
    Ok(it)
}

fn with_log(it: &mut Upstream, change: &UpstreamChange) -> Result<(), String> {
    if change.checksum_database.is_some() && change.checksum_database != it.checksum_database {
        let key = change.checksum_database.clone();
        it.checksum_database = key.filter(|key| !key.is_empty());
        it.checksum_database_url = None;
        it.checksum_database_except.clear();
    }
    if let Some(url) = &change.checksum_database_url {
        it.checksum_database_url = Some(url.clone()).filter(|url| !url.is_empty());
    }
    if let Some(except) = &change.checksum_database_except {
        it.checksum_database_except.clone_from(except);
    }
    let is_more = it.checksum_database_url.is_some() || !it.checksum_database_except.is_empty();
    demand(it.checksum_database.is_some() || !is_more, "a database")
}
