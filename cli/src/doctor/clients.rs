//! Whether this machine's clients go through the server: by what their own files and variables say.

use crate::doctor::finding::Finding;
use crate::escape::plain;
use larder_discover::{DiscoveredUpstream, Machine, Place};
use larder_model::ProtocolName;
use serde_json::Value;
use std::path::{Path, PathBuf};
use toml::Table;

/// What was discovered, protocol by protocol.
pub(crate) type Discovered = [(ProtocolName, Vec<DiscoveredUpstream>)];

/// A client that is looked at: the program, what it speaks, and the repository that `connect` is
/// proposed for.
struct Client {
    program: &'static str,
    protocol: &'static str,
    repo: &'static str,
}

const CLIENTS: [Client; 9] = [
    client("docker", "oci", "oci/docker.io"),
    client("podman", "oci", "oci/docker.io"),
    client("cargo", "cargo", "cargo/main"),
    client("npm", "npm", "npm/main"),
    client("pip", "pypi", "pypi/main"),
    client("uv", "pypi", "pypi/main"),
    client("go", "go", "go/main"),
    client("dnf", "rpm", "rpm/main"),
    client("composer", "composer", "composer/main"),
];

/// The clients that can be looked at.
pub(crate) const NAMES: [&str; 9] = [
    "docker", "podman", "cargo", "npm", "pip", "uv", "go", "dnf", "composer",
];

const fn client(program: &'static str, protocol: &'static str, repo: &'static str) -> Client {
    Client {
        program,
        protocol,
        repo,
    }
}

/// How a client is set up.
enum Way {
    /// Through this repository of the server's, if it names one.
    Through(Option<String>),
    /// Elsewhere.
    Around(String),
    /// Through the server, and besides to a place that this setting names.
    Both(String, Place),
}

/// What was found of each client, with the repository of the server that it goes through, or that
/// it is proposed to go through. `server`: its address; `wanted`: the clients that are meant, none for all.
pub(crate) fn look(
    machine: &Machine,
    discovered: &Discovered,
    server: &str,
    wanted: &[String],
) -> Vec<(Finding, Option<String>)> {
    let all = CLIENTS
        .iter()
        .filter(|client| wanted.is_empty() || wanted.iter().any(|name| name == client.program));
    let mut found = Vec::new();
    for client in all {
        let check = format!("client {}", client.program);
        if !machine.has_program(client.program) {
            if !wanted.is_empty() {
                found.push((Finding::note(check, "it is not installed here"), None));
            }
            continue;
        }
        let fix = format!("larder connect {} {} --write", client.program, client.repo);
        found.push(match way(client, machine, discovered, server) {
            Way::Around(detail) => {
                let repo = Some(client.repo.to_owned());
                (Finding::problem(check, detail, fix), repo)
            }
            Way::Both(detail, place) => {
                let fix = format!("take that index out of {place}");
                (Finding::problem(check, detail, fix), None)
            }
            Way::Through(Some(repo)) => (
                Finding::ok(check, format!("goes through {repo}")),
                Some(repo),
            ),
            Way::Through(None) => (Finding::ok(check, format!("goes through {server}")), None),
        });
    }
    found
}

fn way(client: &Client, machine: &Machine, discovered: &Discovered, server: &str) -> Way {
    match client.program {
        "docker" => docker(machine, server),
        "podman" => podman(machine, server),
        "dnf" => dnf(machine, discovered, server),
        _ => package_manager(client, discovered, server),
    }
}

/// The repository that an address of the server's means: `npm/main`.
fn repo_at(url: &str, server: &str, protocol: &str) -> Option<String> {
    let rest = url.strip_prefix(server)?.strip_prefix('/')?;
    let rest = rest.strip_prefix(protocol)?.strip_prefix('/')?;
    let name = rest.split('/').next().filter(|name| !name.is_empty())?;
    Some(format!("{protocol}/{name}"))
}

fn of<'a>(discovered: &'a Discovered, protocol: &str) -> &'a [DiscoveredUpstream] {
    let found = discovered.iter().find(|(name, _)| name.0 == protocol);
    found.map_or(&[], |(_, found)| found)
}

fn package_manager(client: &Client, discovered: &Discovered, server: &str) -> Way {
    let mut own = of(discovered, client.protocol)
        .iter()
        .filter(|found| found.default && found.is_set() && is_its(client.program, &found.place));
    let Some(found) = own.next() else {
        return Way::Around("nothing is set: it asks its own default".to_owned());
    };
    // Any package may come from an index, or another repository, that is asked besides. (A scope of npm
    // and a registry of cargo are for what names them alone.)
    let besides = of(discovered, client.protocol).iter().find(|found| {
        let elsewhere = repo_at(&found.url, server, client.protocol).is_none();
        matches!(client.protocol, "pypi" | "composer")
            && !found.default
            && elsewhere
            && is_its(client.program, &found.place)
    });
    match (repo_at(&found.url, server, client.protocol), besides) {
        (Some(_), Some(besides)) => {
            let url = plain(&besides.url);
            let detail = format!("asks {url} besides, which may have any name");
            Way::Both(detail, besides.place.clone())
        }
        (Some(repo), None) => Way::Through(Some(repo)),
        (None, _) => Way::Around(format!("asks {} ({})", plain(&found.url), found.place)),
    }
}

/// Whether a client of several that speak the same reads a setting.
fn is_its(program: &str, place: &Place) -> bool {
    let name = match place {
        Place::File(path) => path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        Place::Variable(name) => name.to_lowercase(),
        Place::Program(_) => return false,
    };
    match program {
        "npm" => name.contains("npm_config") || name.contains("npmrc"),
        "pip" => name.starts_with("pip_") || !name.contains('_') && !is_toml(&name),
        "uv" => name.starts_with("uv_") || is_toml(&name),
        _ => true,
    }
}

fn is_toml(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|kind| kind == "toml")
}

/// All repositories that are switched on must go through it: each of them is asked.
fn dnf(machine: &Machine, discovered: &Discovered, server: &str) -> Way {
    let all = of(discovered, "rpm");
    let mut around: Vec<String> = all
        .iter()
        .filter(|found| repo_at(&found.url, server, "rpm").is_none())
        .map(|found| plain(found.only.as_deref().unwrap_or(&found.url)))
        .collect();
    around.extend(without_baseurl(machine));
    if !around.is_empty() {
        return Way::Around(format!(
            "these repositories go elsewhere: {}",
            around.join(", ")
        ));
    }
    match all.first() {
        Some(found) => Way::Through(repo_at(&found.url, server, "rpm")),
        None => Way::Around("it has no repository".to_owned()),
    }
}

/// Repositories that are switched on and have a list of mirrors alone.
fn without_baseurl(machine: &Machine) -> Vec<String> {
    let folder = Path::new("/etc/yum.repos.d");
    let names = machine.names(folder).into_iter();
    let files = names.filter(|name| {
        Path::new(name)
            .extension()
            .is_some_and(|kind| kind == "repo")
    });
    let texts = files.filter_map(|name| machine.read(&folder.join(name)));
    texts.flat_map(|text| listed_only(&text)).collect()
}

/// The same of one file.
fn listed_only(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for section in format!("\n{text}").split("\n[").skip(1) {
        let (name, body) = section.split_once(']').unwrap_or((section, ""));
        let value = |key: &str| {
            let mut settings = body.lines().filter_map(|line| line.split_once('='));
            let found = settings.find(|(name, _)| name.trim() == key);
            found.map(|(_, value)| value.trim().to_lowercase())
        };
        let off = value("enabled").is_some_and(|on| matches!(&*on, "0" | "no" | "false" | "off"));
        let listed = value("metalink").or(value("mirrorlist")).is_some();
        if !off && listed && value("baseurl").is_none() {
            found.push(plain(name));
        }
    }
    found
}

fn docker(machine: &Machine, server: &str) -> Way {
    let own = machine.config("docker/daemon.json"); // of a docker without root
    let places = own
        .into_iter()
        .chain([PathBuf::from("/etc/docker/daemon.json")]);
    let is_ours = |mirror: &Value| {
        let mirror = mirror.as_str().unwrap_or_default();
        mirror.trim_end_matches('/') == server
    };
    let found = places.filter_map(|path| machine.read(&path)).any(|text| {
        let settings: Value = serde_json::from_str(&text).unwrap_or_default();
        let mirrors = settings["registry-mirrors"].as_array();
        mirrors.is_some_and(|mirrors| mirrors.iter().any(is_ours))
    });
    if found {
        return Way::Through(None);
    }
    Way::Around("no registry-mirrors of daemon.json is this server".to_owned())
}

fn podman(machine: &Machine, server: &str) -> Way {
    let (_, host) = server.split_once("://").unwrap_or(("", server));
    let own = machine.config("containers");
    let folders = own.into_iter().chain([PathBuf::from("/etc/containers")]);
    let mut files = Vec::new();
    for folder in folders {
        files.push(folder.join("registries.conf"));
        let more = folder.join("registries.conf.d");
        files.extend(machine.names(&more).into_iter().map(|name| more.join(name)));
    }
    let tables = files
        .iter()
        .filter_map(|path| machine.read(path)?.parse::<Table>().ok());
    for table in tables {
        if registries(&table).any(|location| is_at(location, host)) {
            return Way::Through(None);
        }
    }
    Way::Around("no registry of registries.conf is this server".to_owned())
}

/// Where images of all registries of a file come from.
fn registries(table: &Table) -> impl Iterator<Item = &str> {
    let all = table.get("registry").and_then(toml::Value::as_array);
    all.into_iter().flatten().flat_map(|registry| {
        let mirrors = registry.get("mirror").and_then(toml::Value::as_array);
        let places = mirrors.into_iter().flatten().chain([registry]);
        places.filter_map(|place| place.get("location")?.as_str())
    })
}

fn is_at(location: &str, host: &str) -> bool {
    let rest = location.strip_prefix(host);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
