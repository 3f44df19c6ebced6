//! A file of what there is. To apply it changes nothing.

use super::file::{
    BlockEntry, GrantEntry, GroupEntry, OciEntry, Open, QuotaEntry, RepositoryEntry, Resources,
    RetentionEntry, RobotEntry, ScheduleEntry, SettingsEntry, UpstreamEntry,
};
use super::retention::{entry as retention_entry, says_nothing};
use super::state::{GroupState, RetentionState, State, path_of};
use super::text::{Address, MemberText, NetworkText, OwnerText, SubjectText};
use crate::failure::Failure;
use larder_api::{Block, Grant, RepoKind, Repository, Robot, Schedule, Settings, Upstream};
use larder_model::RepoName;
use toml::Spanned;

/// Things without a place in a text.
fn all<T>(items: impl Iterator<Item = T>) -> Option<Vec<Spanned<T>>> {
    let items: Vec<Spanned<T>> = items.map(|item| Spanned::new(0..0, item)).collect();
    Some(items).filter(|items| !items.is_empty())
}

/// What there is, as a file.
pub(crate) fn resources(state: &State) -> Result<Resources, Failure> {
    let settings = state.settings.as_ref().map(settings);
    let speaks = |it: &&RetentionState| {
        let mut repositories = state.repositories.iter();
        let kind = repositories.find(|known| path_of(known) == it.repository);
        kind.is_some_and(|known| !says_nothing(&it.policy, known.kind))
    };
    let retention = state.retentions.iter().filter(speaks).map(retention_entry);
    let retention: Vec<RetentionEntry> = retention.collect::<Result<_, Failure>>()?;
    Ok(Resources {
        settings: settings.map(|settings| Spanned::new(0..0, settings)),
        repositories: all(state.repositories.iter().map(repository)),
        groups: all(state.groups.iter().map(group)),
        robots: all(state.robots.iter().map(robot)),
        grants: all(state.grants.iter().map(grant)),
        schedules: all(state.schedules.iter().map(schedule)),
        retention: all(retention.into_iter()),
    })
}

/// Whether an upstream has something.
type Has = fn(&Upstream) -> bool;

/// What of the upstreams an exported file lacks, and how it gets it.
pub(crate) fn left_out(state: &State) -> Vec<String> {
    let with = |has: Has| {
        let mirrors = state.repositories.iter();
        let mirrors = mirrors.filter(|it| it.upstream.as_ref().is_some_and(has));
        let names = mirrors.map(|it| path_of(it).to_string());
        names.collect::<Vec<_>>().join(", ")
    };
    let kinds: [(&str, Has, &str); 4] = [
        (
            "passwords are never told",
            |it| it.has_password,
            "password_env",
        ),
        (
            "keys of client certificates are never told",
            |it| it.client_certificate.is_some(),
            "client_certificate_file and client_key_file",
        ),
        (
            "certificates of authorities are files of their own",
            |it| it.ca_certificate.is_some(),
            "ca_certificate_file",
        ),
        (
            "trusted keys are files of their own",
            |it| it.trusted_keys.is_some(),
            "trusted_keys_file",
        ),
    ];
    let told = kinds.into_iter().filter_map(|(why, has, field)| {
        let mirrors = with(has);
        let note = format!("{why}: say with {field} where those of {mirrors} come from");
        (!mirrors.is_empty()).then_some(note)
    });
    let quotas = (state.shared_quotas > 0).then(|| {
        let count = state.shared_quotas;
        format!("{count} shared quotas are in no file: larder quota list --json has them")
    });
    told.chain(quotas).collect()
}

fn schedule(it: &Schedule) -> ScheduleEntry {
    ScheduleEntry {
        kind: it.kind,
        cron: Some(it.cron.clone()),
        enabled: Some(it.enabled),
    }
}

fn settings(settings: &Settings) -> SettingsEntry {
    let mirror = settings.oci.default_mirror.as_ref();
    SettingsEntry {
        offline: Some(settings.offline),
        oci: Some(OciEntry {
            default_mirror: Some(mirror.map_or_else(String::new, RepoName::to_string)),
        }),
    }
}

fn repository(it: &Repository) -> RepositoryEntry {
    let block = |block: &Block| BlockEntry {
        package: block.package.clone(),
        reason: block.reason.clone(),
    };
    let blocked = it.blocked.as_deref().filter(|blocked| !blocked.is_empty());
    RepositoryEntry {
        name: path_of(it),
        kind: Some(it.kind),
        description: Some(it.description.clone()).filter(|text| !text.is_empty()),
        open: Some(Open::of(it.open)),
        offline: it.offline,
        fresh_seconds: it.fresh_seconds,
        serve_vanished: it.serve_vanished,
        members: it.members.clone().filter(|_| it.kind == RepoKind::Group),
        upstream: it.upstream.as_ref().map(upstream),
        blocked: blocked.map(|blocked| blocked.iter().map(block).collect()),
        immutable: it.immutable.clone().filter(|patterns| !patterns.is_empty()),
        sparse_images: it.sparse_images.filter(|sparse| *sparse),
        quota: Some(QuotaEntry::of(it.quota)).filter(|quota| *quota != QuotaEntry::default()),
    }
}

/// A password and a key are never told: they stay where they are, and the file is to say where they
/// come from. So do certificates, which are files of their own.
fn upstream(it: &Upstream) -> UpstreamEntry {
    let addresses = |origins: &[String]| {
        let addresses: Vec<Address> = origins.iter().cloned().map(Address).collect();
        Some(addresses).filter(|addresses| !addresses.is_empty())
    };
    UpstreamEntry {
        url: Address(it.url.clone()),
        mirror_list: it.mirror_list.clone(),
        username: it.username.clone(),
        password_env: None,
        password_file: None,
        client_certificate_file: None,
        client_key_file: None,
        ca_certificate_file: None,
        trusted_keys_file: None,
        allow_private: Some(it.allow_private).filter(|allowed| *allowed),
        allow: addresses(&it.allow),
        token_origins: addresses(&it.token_origins),
        requests_per_minute: it.requests_per_minute.map(Into::into),
        absent_statuses: Some(it.absent_statuses.clone()).filter(|it| !it.is_default()),
        answer_time: it.answer_time,
        checksum_database: it.checksum_database.clone(),
        checksum_database_url: it.checksum_database_url.clone(),
        checksum_database_except: Some(it.checksum_database_except.clone())
            .filter(|patterns| !patterns.is_empty()),
        vulnerability_database: it.vulnerability_database.clone(),
    }
}

fn group(it: &GroupState) -> GroupEntry {
    GroupEntry {
        name: it.group.name.clone(),
        description: Some(it.group.description.clone()).filter(|text| !text.is_empty()),
        members: Some(it.members.iter().cloned().map(MemberText).collect()),
    }
}

fn robot(it: &Robot) -> RobotEntry {
    RobotEntry {
        name: it.name.clone(),
        owner: it.owner.clone().map(OwnerText),
        description: Some(it.description.clone()).filter(|text| !text.is_empty()),
        disabled: Some(it.disabled).filter(|disabled| *disabled),
    }
}

fn grant(it: &Grant) -> GrantEntry {
    GrantEntry {
        subject: SubjectText(it.subject.clone()),
        role: it.role,
        repository: it.repository.clone(),
        package: it.package.clone(),
        refs: it.refs.clone(),
        networks: it.networks.iter().cloned().map(NetworkText).collect(),
    }
}
