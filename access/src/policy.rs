//! All rules, users and repos in memory, read again whenever their version moves.

use crate::principal::{Principal, Rule};
use larder_metadata::people::User;
use larder_metadata::repos::RepoRecord;
use larder_metadata::settings::StoredSettings;
use larder_metadata::{Error, Metadata};
use larder_model::image::hub_name;
use larder_model::{OciSettings, ProtocolName, RepoKind, RepoName, Role, ServerSettings, UserKind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A snapshot. Never changed, only replaced.
#[derive(Default, Debug)]
pub struct PolicySnapshot {
    /// The version row that it was read under.
    pub(crate) version: Box<str>,
    users: HashMap<Box<str>, Arc<User>>,
    names: HashMap<i64, Box<str>>,
    groups: HashMap<i64, Vec<Box<str>>>,
    rules: HashMap<Box<str>, Vec<Rule>>,
    repos: HashMap<(ProtocolName, RepoName), Arc<RepoRecord>>,
    by_id: HashMap<i64, Arc<RepoRecord>>,
    /// What follows for everyone: grants to `anonymous`, and repos that are open.
    for_everyone: Arc<[Rule]>,
    settings: StoredSettings,
    /// Deleted repos that left names reserved.
    reserved: HashSet<(ProtocolName, RepoName)>,
    mirrors_images: bool,
}

impl PolicySnapshot {
    /// Reads everything. The version is read first: a change meanwhile makes the snapshot old,
    /// never wrongly new.
    pub(crate) async fn read(metadata: &Metadata) -> Result<Self, Error> {
        let mut policy = Self {
            version: metadata.policy_version().await?,
            settings: metadata.server_settings().await?,
            reserved: metadata
                .reserved_repositories()
                .await?
                .into_iter()
                .collect(),
            ..Self::default()
        };
        policy.take_people(metadata).await?;
        for repo in metadata.repos().await? {
            let repo = Arc::new(repo);
            policy.mirrors_images |=
                repo.protocol == ProtocolName::OCI && repo.kind == RepoKind::Mirror;
            policy
                .repos
                .insert((repo.protocol, repo.name.clone()), Arc::clone(&repo));
            policy.by_id.insert(repo.id, repo);
        }
        policy.for_everyone = policy.rules_for_everyone();
        Ok(policy)
    }

    async fn take_people(&mut self, metadata: &Metadata) -> Result<(), Error> {
        for user in metadata.users().await? {
            self.names.insert(user.id, user.name.as_str().into());
            self.users.insert(user.name.as_str().into(), Arc::new(user));
        }
        for (user, group) in metadata.members().await? {
            self.groups.entry(user).or_default().push(group);
        }
        for grant in metadata.grants().await? {
            let rule = Rule {
                id: Some(grant.id),
                repository: grant.repository,
                package: grant.package,
                role: grant.role,
            };
            self.rules.entry(grant.subject).or_default().push(rule);
        }
        Ok(())
    }

    fn rules_for_everyone(&self) -> Arc<[Rule]> {
        let granted = self.rules.get("anonymous").into_iter().flatten().cloned();
        let open = self.by_id.values().filter(|repo| self.is_open(repo));
        let of_repo = |repo: &Arc<RepoRecord>| {
            Some(Rule {
                id: None,
                repository: repo.full_name().parse().ok()?,
                package: "*".parse().ok()?,
                role: Role::Reader,
            })
        };
        granted.chain(open.filter_map(of_repo)).collect()
    }

    /// Whether everyone may read a repo without a grant: as it is set or, where nothing is set, a
    /// mirror that asks its upstream without credentials, and a group whose members are all open.
    pub fn is_open(&self, repo: &RepoRecord) -> bool {
        if let Some(open) = repo.settings.open {
            return open;
        }
        match repo.kind {
            RepoKind::Hosted => false,
            RepoKind::Mirror => {
                let upstream = repo.settings.upstream.as_ref();
                upstream.is_none_or(|upstream| upstream.password.is_none())
            }
            RepoKind::Group => repo.members.iter().all(|member| {
                let member = member.id.and_then(|id| self.by_id.get(&id));
                member.is_some_and(|it| it.kind != RepoKind::Group && self.is_open(it))
            }),
        }
    }

    /// Whether everyone may read all of a repo: it is open, or a grant to `anonymous` says so.
    pub fn is_readable_by_everyone(&self, repo: &RepoRecord) -> bool {
        let name = repo.full_name();
        self.for_everyone
            .iter()
            .any(|rule| rule.package.as_str() == "*" && rule.repository.matches(&name))
    }

    /// Whether nothing is fetched from any upstream.
    pub const fn is_offline(&self) -> bool {
        self.settings.offline
    }

    /// The server's settings, with the names of what they refer to.
    pub fn settings(&self) -> ServerSettings {
        let mirror = self
            .settings
            .default_mirror
            .and_then(|id| self.by_id.get(&id));
        ServerSettings {
            offline: self.settings.offline,
            oci: OciSettings {
                default_mirror: mirror.map(|repo| repo.name.clone()),
            },
        }
    }

    /// The server's settings as they are stored.
    pub const fn stored_settings(&self) -> StoredSettings {
        self.settings
    }

    /// What refers to a repo: groups of which it is a member, and settings, as people name them.
    pub fn references_to(&self, id: i64) -> Vec<String> {
        let is_in = |repo: &&Arc<RepoRecord>| {
            let mut members = repo.members.iter();
            members.any(|member| member.id == Some(id))
        };
        let groups = self.by_id.values().filter(is_in);
        let mut references: Vec<String> = groups
            .map(|repo| format!("the group {}", repo.full_name()))
            .collect();
        references.sort_unstable();
        if self.settings.default_mirror == Some(id) {
            references.push("the setting oci.default_mirror".to_owned());
        }
        references
    }

    /// Whether a deleted repo of this protocol left names reserved.
    pub fn has_reservations(&self, protocol: ProtocolName) -> bool {
        self.reserved.iter().any(|(other, _)| *other == protocol)
    }

    /// A repo by its name.
    pub fn repo(&self, protocol: ProtocolName, name: &RepoName) -> Option<&Arc<RepoRecord>> {
        self.repos.get(&(protocol, name.clone()))
    }

    /// Whether any registry is mirrored.
    pub const fn mirrors_images(&self) -> bool {
        self.mirrors_images
    }

    /// The repo and the image in it that a name of the distribution API means: of `host` if that is
    /// a repo (what containerd sends as `?ns=`), else of the repo that is its first segment, else of
    /// the mirror for names without a repo. A deleted repo keeps its names from that mirror.
    pub fn image(&self, name: &str, host: Option<&str>) -> Option<(RepoName, Box<str>)> {
        let known = |text: &str| {
            let name: RepoName = text.parse().ok()?;
            let repo = self.repo(ProtocolName::OCI, &name)?;
            Some((name, repo.kind == RepoKind::Mirror))
        };
        let of = |(repo, mirrored): (RepoName, bool), image: &str| {
            let image = if mirrored {
                hub_name(&repo, image)
            } else {
                image.to_owned()
            };
            (repo, image.into())
        };
        if let Some(mirror) = host.and_then(known).filter(|(_, mirrored)| *mirrored) {
            // Clients that were told the mirror's own path say both.
            let image = name
                .strip_prefix(mirror.0.as_str())
                .and_then(|rest| rest.strip_prefix('/'));
            return Some(of(mirror, image.unwrap_or(name)));
        }
        let split = name.split_once('/');
        if let Some((repo, image)) = split
            && let Some(found) = known(repo)
        {
            return Some(of(found, image));
        }
        let named: Option<RepoName> = split.and_then(|(repo, _)| repo.parse().ok());
        let was_deleted =
            named.is_some_and(|repo| self.reserved.contains(&(ProtocolName::OCI, repo)));
        let default = self
            .settings
            .default_mirror
            .and_then(|id| self.by_id.get(&id));
        if let Some(mirror) = default.filter(|repo| repo.kind == RepoKind::Mirror && !was_deleted) {
            return Some(of((mirror.name.clone(), true), name));
        }
        let (repo, image) = split?;
        Some((repo.parse().ok()?, image.into()))
    }

    /// A repo by its id.
    pub fn repo_by_id(&self, id: i64) -> Option<&Arc<RepoRecord>> {
        self.by_id.get(&id)
    }

    /// The members of a group that are there, in their order.
    pub fn members_of<'a>(
        &'a self,
        group: &'a RepoRecord,
    ) -> impl Iterator<Item = &'a Arc<RepoRecord>> {
        let ids = group.members.iter().filter_map(|member| member.id);
        ids.filter_map(|id| self.by_id.get(&id))
    }

    /// All repos, in no order.
    pub fn repos(&self) -> impl Iterator<Item = &Arc<RepoRecord>> {
        self.repos.values()
    }

    /// A user by its name.
    pub fn user(&self, name: &str) -> Option<&Arc<User>> {
        self.users.get(name)
    }

    /// A user by its id.
    pub fn user_by_id(&self, id: i64) -> Option<&Arc<User>> {
        self.users.get(self.names.get(&id)?)
    }

    /// All users, in no order.
    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// The anonymous principal; with `allowed` false it holds nothing.
    pub(crate) fn anonymous(&self, allowed: bool) -> Principal {
        let rules = if allowed {
            Arc::clone(&self.for_everyone)
        } else {
            Arc::default()
        };
        Principal {
            user: None,
            label: "anonymous".into(),
            superuser: false,
            rules,
            token_scopes: None,
            bearer_scopes: None,
            token: None,
        }
    }

    /// The principal of a user that is not disabled.
    pub fn principal(&self, user: &User) -> Principal {
        let word = match user.kind {
            UserKind::Person => "user",
            UserKind::Robot => "robot",
        };
        let label: Arc<str> = format!("{word}:{}", user.name).into();
        let groups = self.groups.get(&user.id).into_iter().flatten();
        let groups = groups.map(|group| format!("group:{group}"));
        let mut rules = Vec::new();
        let own = [label.to_string(), "authenticated".to_owned()];
        for subject in own.into_iter().chain(groups) {
            rules.extend(self.rules.get(&*subject).into_iter().flatten().cloned());
        }
        rules.extend(self.for_everyone.iter().cloned());
        Principal {
            user: Some(user.id),
            label,
            superuser: user.superuser,
            rules: rules.into(),
            token_scopes: None,
            bearer_scopes: None,
            token: None,
        }
    }
}
