//! All repos, settings, and the rules that are not of single users, in memory; read again whenever
//! the version of all rights moves.

use crate::principal::Principal;
use crate::rules::{Rule, Rules};
use larder_metadata::grants::Grant;
use larder_metadata::repos::RepoRecord;
use larder_metadata::settings::StoredSettings;
use larder_metadata::{Error, Metadata};
use larder_model::image::{hub_alias, hub_name, registry_name, registry_name_of};
use larder_model::{
    ImageName, Network, OciSettings, ProtocolName, RepoKind, RepoName, Role, ServerSettings,
    Subject,
};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// A snapshot. Never changed, only replaced.
#[derive(Default, Debug)]
pub struct PolicySnapshot {
    /// The version row that it was read under.
    pub(crate) version: Box<str>,
    repos: HashMap<(ProtocolName, RepoName), Arc<RepoRecord>>,
    by_id: HashMap<i64, Arc<RepoRecord>>,
    /// What everyone holds, from anywhere: grants to `anonymous`, and repos that are open.
    pub(crate) everyone: Arc<Rules>,
    /// Whoever shows no credentials, with that alone.
    pub(crate) nobody: Arc<Principal>,
    /// What everyone holds from some networks.
    from_networks: Vec<(Vec<Network>, Rule)>,
    /// What everyone holds who shows credentials.
    pub(crate) authenticated: Arc<Rules>,
    settings: StoredSettings,
    /// Deleted repos that left names reserved.
    reserved: HashSet<(ProtocolName, RepoName)>,
    mirrors_images: bool,
    /// Mirrors of images by the names of their upstreams' registries; of several the first by name.
    by_registry: HashMap<String, RepoName>,
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
        for repo in metadata.repos().await? {
            let repo = Arc::new(repo);
            policy.mirrors_images |=
                repo.protocol == ProtocolName::OCI && repo.kind == RepoKind::Mirror;
            policy
                .repos
                .insert((repo.protocol, repo.name.clone()), Arc::clone(&repo));
            policy.by_id.insert(repo.id, repo);
        }
        policy.by_registry = registries(policy.by_id.values());
        let grants_of = async |subject: Subject| metadata.grants_of(&subject.to_string()).await;
        let authenticated = grants_of(Subject::Authenticated).await?;
        policy.authenticated = Arc::new(authenticated.into_iter().map(Rule::from).collect());
        policy.take_grants_to_everyone(grants_of(Subject::Anonymous).await?);
        Ok(policy)
    }

    fn take_grants_to_everyone(&mut self, grants: Vec<Grant>) {
        let open = self.by_id.values().filter(|repo| self.is_open(repo));
        let of_repo = |repo: &Arc<RepoRecord>| {
            Some(Rule {
                grant: None,
                repository: repo.full_name().parse().ok()?,
                package: "*".parse().ok()?,
                refs: None,
                role: Role::Reader,
            })
        };
        let mut rules: Vec<Rule> = open.filter_map(of_repo).collect();
        for mut grant in grants {
            let networks = std::mem::take(&mut grant.networks);
            if networks.is_empty() {
                rules.push(grant.into());
            } else {
                self.from_networks.push((networks, grant.into()));
            }
        }
        self.everyone = Arc::new(rules.into_iter().collect());
        self.nobody = Arc::new(Principal::nobody(Arc::clone(&self.everyone)));
    }

    /// What everyone holds at an address beside what everyone holds anywhere.
    pub(crate) fn rules_at(&self, address: IpAddr) -> Option<Arc<Rules>> {
        let is_in = |networks: &[Network]| networks.iter().any(|it| it.contains(address));
        let here = self
            .from_networks
            .iter()
            .filter(|(networks, _)| is_in(networks));
        let here: Rules = here.map(|(_, rule)| rule.clone()).collect();
        Some(here).filter(|here| !here.is_empty()).map(Arc::new)
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
                upstream.is_none_or(|upstream| !upstream.has_credentials())
            }
            RepoKind::Group => repo.members.iter().all(|member| {
                let member = member.id.and_then(|id| self.by_id.get(&id));
                member.is_some_and(|it| it.kind != RepoKind::Group && self.is_open(it))
            }),
        }
    }

    /// Whether everyone may read all of a repo: it is open, or a grant to `anonymous` says so.
    pub fn is_readable_by_everyone(&self, repo: &RepoRecord) -> bool {
        self.everyone.cover_all_of(&repo.full_name())
    }

    /// The version under which it was read: what it tells is as old as that, or newer.
    pub const fn version(&self) -> &str {
        &self.version
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

    /// What refers to a repo: groups of which it is a member, and settings, as people name them. Groups
    /// that are not `known` have no names.
    pub fn references_to(&self, id: i64, known: impl Fn(&RepoRecord) -> bool) -> Vec<String> {
        let is_in = |repo: &&Arc<RepoRecord>| {
            let mut members = repo.members.iter();
            members.any(|member| member.id == Some(id))
        };
        let groups = self.by_id.values().filter(is_in);
        let (named, others): (Vec<_>, Vec<_>) = groups.partition(|repo| known(repo));
        let mut references: Vec<String> = named
            .iter()
            .map(|repo| format!("the group {}", repo.full_name()))
            .collect();
        references.sort_unstable();
        if !others.is_empty() {
            references.push("a group that is not shown to you".to_owned());
        }
        if self.settings.default_mirror == Some(id) {
            references.push("the setting oci.default_mirror".to_owned());
        }
        references
    }

    /// Whether an operator lets nothing of an image leave its repo.
    pub fn blocks_image(&self, name: &ImageName) -> bool {
        let repo = self.repo(ProtocolName::OCI, name.repo());
        let blocked = repo.map_or(&[][..], |repo| &repo.settings.blocked);
        let alias = hub_alias(name.repo(), name.image());
        blocked.iter().any(|it| it.means(name.image(), alias))
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

    /// The mirror of a registry that clients call `host`: the one of that name, else the one whose
    /// upstream has this host and port. `is_stranger`: only if everyone may read the latter, for
    /// not everyone may know what is mirrored.
    fn mirror_of(&self, host: &str, is_stranger: bool) -> Option<&Arc<RepoRecord>> {
        let is_mirror = |repo: &&Arc<RepoRecord>| repo.kind == RepoKind::Mirror;
        let of = |name: &RepoName| self.repo(ProtocolName::OCI, name).filter(is_mirror);
        let registry = registry_name(host);
        let named = [host, &registry]
            .into_iter()
            .find_map(|name| of(&name.parse().ok()?));
        named.or_else(|| {
            let repo = of(self.by_registry.get(&registry)?)?;
            (!is_stranger || self.is_readable_by_everyone(repo)).then_some(repo)
        })
    }

    /// The repo and the image in it that a name of the distribution API means: of `host` if that has
    /// a mirror (what containerd sends as `?ns=`), else of the repo that is its first segment, else
    /// of the mirror for names without a repo. A deleted repo keeps its names from that mirror.
    pub fn image(
        &self,
        name: &str,
        (host, is_stranger): (Option<&str>, bool),
    ) -> Option<(RepoName, Box<str>)> {
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
        let mirror = host.and_then(|host| self.mirror_of(host, is_stranger));
        if let Some(mirror) = mirror {
            // Clients that were told the mirror's own path say both.
            let image = name
                .strip_prefix(mirror.name.as_str())
                .and_then(|rest| rest.strip_prefix('/'));
            return Some(of((mirror.name.clone(), true), image.unwrap_or(name)));
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

    /// Whether the first segment of an image's name is the name of a repo that is not there: a push makes
    /// it.
    pub fn is_in_no_repo(&self, image: &str) -> bool {
        let repo = image
            .split_once('/')
            .and_then(|(repo, _)| repo.parse().ok());
        repo.is_some_and(|repo| self.repo(ProtocolName::OCI, &repo).is_none())
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
}

/// Mirrors of images by the names of their upstreams' registries.
fn registries<'a>(repos: impl Iterator<Item = &'a Arc<RepoRecord>>) -> HashMap<String, RepoName> {
    let mut registries = HashMap::<String, RepoName>::new();
    for repo in repos {
        let upstream = repo.settings.upstream.as_ref();
        let registry = upstream.and_then(|upstream| registry_name_of(&upstream.url));
        if let Some(registry) = registry
            && repo.protocol == ProtocolName::OCI
        {
            let first = registries
                .entry(registry)
                .or_insert_with(|| repo.name.clone());
            if repo.name < *first {
                first.clone_from(&repo.name);
            }
        }
    }
    registries
}
