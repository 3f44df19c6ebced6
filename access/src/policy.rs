//! All rules, users and repos in memory, read again whenever their version moves.

use crate::principal::{Principal, Rule};
use larder_metadata::people::User;
use larder_metadata::repos::RepoRecord;
use larder_metadata::{Error, Metadata};
use larder_model::image::hub_name;
use larder_model::{ProtocolName, RepoName, ServerSettings};
use std::collections::HashMap;
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
    settings: ServerSettings,
    mirrors_images: bool,
}

impl PolicySnapshot {
    /// The server's settings.
    pub const fn settings(&self) -> &ServerSettings {
        &self.settings
    }

    /// Reads everything. The version is read first: a change meanwhile makes the snapshot old,
    /// never wrongly new.
    pub(crate) async fn read(metadata: &Metadata) -> Result<Self, Error> {
        let mut policy = Self {
            version: metadata.policy_version().await?,
            ..Self::default()
        };
        if let Some(text) = metadata.server_settings().await? {
            policy.settings =
                serde_json::from_str(&text).map_err(|error| Error::Database(Box::new(error)))?;
        }
        for user in metadata.users().await? {
            policy.names.insert(user.id, user.name.as_str().into());
            policy
                .users
                .insert(user.name.as_str().into(), Arc::new(user));
        }
        for (user, group) in metadata.members().await? {
            policy.groups.entry(user).or_default().push(group);
        }
        for grant in metadata.grants().await? {
            let rule = Rule {
                id: grant.id,
                repository: grant.repository,
                package: grant.package,
                role: grant.role,
            };
            policy.rules.entry(grant.subject).or_default().push(rule);
        }
        for repo in metadata.repos().await? {
            let repo = Arc::new(repo);
            policy.mirrors_images |= repo.protocol == ProtocolName::OCI && &*repo.kind == "mirror";
            policy
                .repos
                .insert((repo.protocol, repo.name.clone()), Arc::clone(&repo));
            policy.by_id.insert(repo.id, repo);
        }
        Ok(policy)
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
    /// a repo (what containerd sends as `?ns=`), else of the repo that is its first segment, else
    /// of the mirror for names without a repo.
    pub fn image(&self, name: &str, host: Option<&str>) -> Option<(RepoName, Box<str>)> {
        let known = |text: &str| {
            let name: RepoName = text.parse().ok()?;
            self.repo(ProtocolName::OCI, &name)
                .map(|repo| (name, &*repo.kind == "mirror"))
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
        let default = self
            .settings
            .oci
            .default_mirror
            .as_ref()
            .and_then(|name| known(name.as_str()));
        if let Some(mirror) = default.filter(|(_, mirrored)| *mirrored) {
            return Some(of(mirror, name));
        }
        let (repo, image) = split?;
        Some((repo.parse().ok()?, image.into()))
    }

    /// A repo by its id.
    pub fn repo_by_id(&self, id: i64) -> Option<&Arc<RepoRecord>> {
        self.by_id.get(&id)
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
            self.rules.get("anonymous").cloned().unwrap_or_default()
        } else {
            Vec::new()
        };
        Principal {
            user: None,
            label: "anonymous".into(),
            superuser: false,
            rules: rules.into(),
            token_scopes: None,
            bearer_scopes: None,
            token: None,
        }
    }

    /// The principal of a user that is not disabled.
    pub fn principal(&self, user: &User) -> Principal {
        let kind = if &*user.kind == "robot" {
            "robot"
        } else {
            "user"
        };
        let label: Arc<str> = format!("{kind}:{}", user.name).into();
        let mut rules = Vec::new();
        let groups = self
            .groups
            .get(&user.id)
            .into_iter()
            .flatten()
            .map(|group| format!("group:{group}"));
        let subjects = [
            label.to_string(),
            "authenticated".to_owned(),
            "anonymous".to_owned(),
        ];
        for subject in subjects.into_iter().chain(groups) {
            rules.extend(self.rules.get(&*subject).into_iter().flatten().cloned());
        }
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
