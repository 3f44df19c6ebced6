//! cargo: source replacement, other registries, and the index that it has by itself.
//!
//! A mirror needs a sparse index. cargo takes no `[source]` from the environment, so neither do we.

use crate::found::{DiscoveredUpstream, Place, file};
use crate::machine::Machine;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

const NAME: &str = "cargo";
/// The source that is meant when none is named.
const DEFAULT: &str = "crates-io";
/// Replacements of replacements that are followed.
const STEPS: usize = 10;

/// A file with settings.
struct Settings(PathBuf, Table);

/// What cargo uses, its default first.
pub(crate) fn look(machine: &Machine) -> Vec<DiscoveredUpstream> {
    let home = machine
        .folder("CARGO_HOME")
        .or_else(|| machine.home(".cargo"));
    let read = |path: PathBuf| Some(Settings(path.clone(), machine.read(&path)?.parse().ok()?));
    let folders = machine
        .dir()
        .ancestors()
        .map(|folder| folder.join(".cargo"))
        .chain(home.clone());
    let files: Vec<_> = folders
        .flat_map(|folder| [folder.join("config.toml"), folder.join("config")])
        .collect();
    let files: Vec<_> = files.into_iter().filter_map(read).collect();
    let secrets = home
        .as_ref()
        .and_then(|home| read(home.join("credentials.toml")));
    let index = |name: &str| machine.variable(&variable(name, "INDEX"));
    let token = |name: &str| {
        let kept = || {
            secrets
                .as_ref()
                .and_then(|Settings(_, table)| text(table, &["registries", name, "token"]))
        };
        machine.variable(&variable(name, "TOKEN")).or_else(kept)
    };
    let mut all = match replaced(&files, index) {
        Some((name, value, place)) => sparse(value, &place, token(name)).into_iter().collect(),
        None => asked(machine, home.as_deref()),
    };
    for (name, value, place) in named(&files) {
        if let Some(found) = sparse(value, &place, token(name))
            .filter(|found| all.iter().all(|one| one.url != found.url))
        {
            all.push(found.only(name));
        }
    }
    all
}

/// `CARGO_REGISTRIES_MY_CORP_TOKEN`.
fn variable(registry: &str, what: &str) -> String {
    format!(
        "CARGO_REGISTRIES_{}_{what}",
        registry.to_uppercase().replace('-', "_")
    )
}

fn text<'a>(table: &'a Table, path: &[&str]) -> Option<&'a str> {
    let (last, above) = path.split_last()?;
    above
        .iter()
        .try_fold(table, |table, name| table.get(*name)?.as_table())?
        .get(*last)?
        .as_str()
}

/// The index that takes the default's place: its registry's name, its address and where it is said.
/// `None`: nothing does. An empty address: something that is no registry.
fn replaced<'a>(
    files: &'a [Settings],
    index: impl Fn(&str) -> Option<&'a str>,
) -> Option<(&'a str, &'a str, Place)> {
    let find = |path: [&str; 3]| {
        files
            .iter()
            .find_map(|Settings(at, table)| Some((text(table, &path)?, file(at))))
    };
    let (mut name, mut place) = find(["source", DEFAULT, "replace-with"])?;
    for _ in 0..STEPS {
        if let Some((next, at)) = find(["source", name, "replace-with"]) {
            (name, place) = (next, at);
            continue;
        }
        if let Some(value) = index(name) {
            return Some((name, value, Place::Variable(variable(name, "INDEX"))));
        }
        let registry =
            find(["source", name, "registry"]).or_else(|| find(["registries", name, "index"]));
        return Some(registry.map_or((name, "", place), |(value, at)| (name, value, at)));
    }
    Some((name, "", place))
}

/// The registries that have names.
fn named(files: &[Settings]) -> Vec<(&str, &str, Place)> {
    let mut all = Vec::new();
    for Settings(at, table) in files {
        let registries = table.get("registries").and_then(Value::as_table);
        for (name, registry) in registries.into_iter().flatten() {
            if let Some(index) = registry.get("index").and_then(Value::as_str) {
                all.push((&**name, index, file(at)));
            }
        }
    }
    all
}

/// A sparse index; the others cannot be mirrored.
fn sparse(value: &str, place: &Place, token: Option<&str>) -> Option<DiscoveredUpstream> {
    let found = DiscoveredUpstream::read(NAME, value.strip_prefix("sparse+")?, place)?;
    let token = token.map(|token| token.strip_prefix("Bearer ").unwrap_or(token).to_owned());
    Some(found.with(None, token))
}

/// cargo's own default: it tells when it cannot reach it. Without a cargo, the one index that it
/// has once used.
fn asked(machine: &Machine, home: Option<&Path>) -> Vec<DiscoveredUpstream> {
    let told = machine
        .run("cargo", &["search", "larder", "--limit", "1"])
        .and_then(|said| {
            DiscoveredUpstream::read(
                NAME,
                unreachable(&said.err)?,
                &Place::Program("cargo search"),
            )
        });
    told.or_else(|| kept(machine, home?)).into_iter().collect()
}

/// The index that an error message is about.
fn unreachable(message: &str) -> Option<&str> {
    message
        .split('`')
        .skip(1)
        .step_by(2)
        .find_map(|quoted| quoted.strip_suffix("config.json"))
}

fn kept(machine: &Machine, home: &Path) -> Option<DiscoveredUpstream> {
    let folder = home.join("registry/index");
    let names = machine.names(&folder);
    let sparse = names.iter().filter(|name| {
        machine
            .read(&folder.join(name).join("config.json"))
            .is_some()
    });
    let [name] = &sparse.collect::<Vec<_>>()[..] else {
        return None;
    };
    let (host, _) = name.rsplit_once('-')?;
    DiscoveredUpstream::read(NAME, &format!("https://{host}/"), &file(&folder.join(name)))
}

#[cfg(test)]
mod tests;
