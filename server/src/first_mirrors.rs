//! The repos that a first start makes for each protocol: a mirror of what this machine's own
//! package managers use, one to publish to, and a group of both under one address.

use larder_access::Gate;
use larder_cache::in_background;
use larder_discover::{Certificates, DiscoveredUpstream, Machine, Pem, discover, setting};
use larder_keys::{ClientCertificate, TrustedKeys, read_authorities};
use larder_metadata::repos::{NewRepo, RepoRecord};
use larder_metadata::{Error, Metadata};
use larder_mirrors::Protocol;
use larder_model::{
    ChecksumLog, Problem, ProtocolName, RepoKind, RepoName, RepoSettings, System, UpstreamSettings,
};
use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;

/// The mirror.
const NAME: &str = "upstream";
/// What is published here.
const LOCAL: &str = "local";
/// Both.
const MAIN: &str = "main";
/// How long package managers are asked.
const ASKING: Duration = Duration::from_secs(22);
/// How long the addresses of what they told may be looked up.
const LOOKING_UP: Duration = Duration::from_secs(2);

/// Makes the repos. Without a machine, or with nothing found on it, they wait for someone to set their
/// upstream.
pub(crate) async fn first_mirrors(
    metadata: &Metadata,
    gate: &Gate,
    machine: Option<Machine>,
) -> Result<(), Problem> {
    // What this machine's package managers use, and whether that is within a private network.
    let found = match machine.clone() {
        Some(machine) => defaults(machine).await,
        None => Vec::new(),
    };
    let private = timeout(LOOKING_UP, private(&found))
        .await
        .unwrap_or_default();
    // A mirror of it, a repo to publish to, and a group of both. Mirrors of images are named after their
    // upstreams' hosts, by whoever makes them.
    let has_groups = |each: &&dyn Protocol| each.repo_kinds().contains(&RepoKind::Group);
    for each in larder_mirrors::every().filter(has_groups) {
        let protocol = each.name();
        let of = |found: &DiscoveredUpstream| {
            let machine = machine.as_ref()?;
            upstream(gate, (found, machine), private.contains(&found.url))
        };
        let all = found.iter().filter(|found| found.protocol == protocol);
        let (defaults, others): (Vec<_>, Vec<_>) = all.partition(|found| found.default);
        let found = defaults.first().copied();
        let upstream = found.and_then(of);
        told((protocol, NAME), found, upstream.as_ref());
        let settings = RepoSettings {
            upstream,
            ..RepoSettings::default()
        };
        let mirror = make(metadata, protocol, NAME, RepoKind::Mirror, &settings, &[]).await?;
        // What stands beside the default has a mirror of its own, and is in no group.
        for other in others {
            if let (Some(name), Some(upstream)) = (&other.own_mirror, of(other)) {
                told((protocol, name), Some(other), Some(&upstream));
                let settings = RepoSettings {
                    upstream: Some(upstream),
                    ..RepoSettings::default()
                };
                make(metadata, protocol, name, RepoKind::Mirror, &settings, &[]).await?;
            }
        }
        let settings = RepoSettings::default();
        let local = make(metadata, protocol, LOCAL, RepoKind::Hosted, &settings, &[]).await?;
        // Each name in it still follows its member.
        let settings = RepoSettings {
            open: Some(true),
            ..RepoSettings::default()
        };
        let members = [local, mirror];
        make(
            metadata,
            protocol,
            MAIN,
            RepoKind::Group,
            &settings,
            &members,
        )
        .await?;
    }
    gate.refresh().await
}

/// Makes a repo and gives its id; of one that a start which was cut off made, that one's.
async fn make(
    metadata: &Metadata,
    protocol: ProtocolName,
    name: &str,
    kind: RepoKind,
    settings: &RepoSettings,
    members: &[i64],
) -> Result<i64, Problem> {
    let name: RepoName = name.parse().map_err(Problem::internal)?;
    let new = NewRepo {
        protocol,
        name: &name,
        kind,
        description: "",
        settings,
        members,
    };
    match metadata.add_repo(new, &System::FirstStart).await {
        Ok(repo) => return Ok(repo.id),
        Err(Error::Exists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let made = |repo: &RepoRecord| repo.protocol == protocol && repo.name == name;
    let found = metadata.repos().await?.into_iter().find(made);
    let found = found.ok_or_else(|| Problem::internal("a repository that is there is gone"))?;
    Ok(found.id)
}

/// What the package managers of each protocol ask by default.
async fn defaults(machine: Machine) -> Vec<DiscoveredUpstream> {
    // They start whole runtimes: the first requests come before them.
    let found = in_background(move || Ok(discover(&machine, ASKING))).await;
    let found = found
        .inspect_err(|problem| tracing::debug!(?problem, "package managers cannot be asked"))
        .unwrap_or_default();
    let default = |(_, found): (ProtocolName, Vec<DiscoveredUpstream>)| {
        let default = found.iter().find(|found| found.default).cloned();
        let others = found.into_iter().filter(|found| found.own_mirror.is_some());
        default.into_iter().chain(others)
    };
    found.into_iter().flat_map(default).collect()
}

/// The upstreams that someone has set to a private address of this network.
async fn private(found: &[DiscoveredUpstream]) -> Vec<String> {
    let mut private = Vec::new();
    for found in found.iter().filter(|found| found.is_set()) {
        let host = found.url.split('/').nth(2).unwrap_or_default();
        let addresses: Vec<IpAddr> = match tokio::net::lookup_host(with_port(host)).await {
            Ok(addresses) => addresses.map(|address| address.ip()).collect(),
            Err(error) => {
                tracing::debug!(%error, host, "cannot be looked up");
                Vec::new()
            }
        };
        if addresses
            .iter()
            .any(|address| !larder_cache::is_public(*address))
        {
            private.push(found.url.clone());
        }
    }
    private
}

/// A host with a port, which a look-up needs whatever it is.
fn with_port(host: &str) -> String {
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    if has_port && !host.ends_with(']') {
        host.to_owned()
    } else {
        format!("{host}:0")
    }
}

/// The settings of what was found; `None` if it cannot be mirrored.
fn upstream(
    gate: &Gate,
    (found, machine): (&DiscoveredUpstream, &Machine),
    allow_private: bool,
) -> Option<UpstreamSettings> {
    let url = found.address()?.to_owned();
    let password = match &found.password {
        Some(secret) => Some(
            gate.close_password(secret.expose(), &url)
                .inspect_err(|error| tracing::debug!(?error, "a password cannot be kept"))
                .ok()?,
        ),
        None => None,
    };
    let username = found.username.clone();
    let unusable = |why: &dyn Display| {
        let protocol = found.protocol.0;
        tracing::warn!(protocol, why = %why, "what a package manager shows or takes there cannot be used");
    };
    let client = client(gate, &url, &found.certificates, machine);
    let client = client.inspect_err(|why| unusable(why)).ok().flatten();
    let (client_certificate, client_key) = client.unzip();
    let authorities = authorities(&found.certificates, machine);
    let ca_certificate = authorities.inspect_err(|why| unusable(why)).ok().flatten();
    Some(UpstreamSettings {
        url,
        mirror_list: found.mirror_list.clone(),
        username,
        password,
        client_certificate,
        client_key,
        ca_certificate,
        trusted_keys: trusted_keys(found),
        allow_private,
        checksum_log: found.checksums.as_ref().map(|found| ChecksumLog {
            key: found.key.clone(),
            url: found.url.clone(),
            except: found.except.clone(),
        }),
        vulnerabilities: found.vulnerabilities.clone(),
        ..UpstreamSettings::default()
    })
}

/// The keys that sign there. Where none of them can be used, what is there is taken as it comes.
fn trusted_keys(found: &DiscoveredUpstream) -> Option<String> {
    let keys = found.trusted_keys.as_ref()?;
    match TrustedKeys::read(keys) {
        Ok(_) => Some(keys.clone()),
        Err(problem) => {
            let (protocol, why) = (found.protocol.0, &problem.detail);
            tracing::warn!(protocol, %why, "the keys of a package manager cannot be used");
            None
        }
    }
}

/// The certificate that is shown, and its key as it is kept.
fn client(
    gate: &Gate,
    url: &str,
    found: &Certificates,
    machine: &Machine,
) -> Result<Option<(String, String)>, String> {
    let is_shown = |_: &&(Pem, Pem)| url.starts_with("https://");
    let Some((certificate, key)) = found.client.as_ref().filter(is_shown) else {
        return Ok(None);
    };
    let wrong = |problem: Problem| problem.detail.into_owned();
    let (certificate, key) = (certificate.read(machine)?, key.read(machine)?);
    let both = ClientCertificate::read(&certificate, &key).map_err(wrong)?;
    let key = gate.close_client_key(&both.key, url).map_err(wrong)?;
    Ok(Some((both.certificates, key)))
}

/// The authorities that are trusted there.
fn authorities(found: &Certificates, machine: &Machine) -> Result<Option<String>, String> {
    let Some(authorities) = &found.authorities else {
        return Ok(None);
    };
    let read = read_authorities(&authorities.read(machine)?);
    read.map(Some)
        .map_err(|problem| problem.detail.into_owned())
}

fn told(
    (protocol, name): (ProtocolName, &str),
    found: Option<&DiscoveredUpstream>,
    upstream: Option<&UpstreamSettings>,
) {
    let repository = format!("{protocol}/{name}");
    if let (Some(found), Some(upstream)) = (found, upstream) {
        tracing::info!(repository, upstream = upstream.url, found_in = %found.place, "first start: mirror made");
    } else {
        let set_with = setting(protocol);
        tracing::info!(
            repository,
            set_with,
            "first start: mirror made, without an upstream yet"
        );
    }
}

#[cfg(test)]
mod tests;
