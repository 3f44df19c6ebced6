//! Composer: the repositories of a project and of a person, and the one that it asks by itself.
//!
//! It asks its own repository after all others, unless that is switched off: then the first of the others
//! is what it asks when nothing else is said.

use crate::found::{Certificates, DiscoveredUpstream, Place, file, pem_file};
use crate::machine::Machine;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::path::PathBuf;

const NAME: &str = "composer";
/// How it tells which repositories it has, its own among them.
const LINE: &str = "composer config --global repositories";

/// What Composer uses, its default first.
pub(crate) fn look(machine: &Machine) -> Vec<DiscoveredUpstream> {
    let homes = [
        machine.folder("COMPOSER_HOME"),
        machine.config("composer"),
        machine.home(".composer"),
    ];
    let homes: Vec<PathBuf> = homes.into_iter().flatten().collect();
    let read = |path: PathBuf| {
        let value: Value = serde_json::from_str(&machine.read(&path)?).ok()?;
        Some((path, value))
    };
    let in_homes = |name: &str| -> Vec<(PathBuf, Value)> {
        let files = homes.iter().map(|home| home.join(name));
        files.filter_map(read).collect()
    };
    let project = machine.dir().join("composer.json");
    let global = homes.iter().map(|home| home.join("config.json"));
    let settings: Vec<(PathBuf, Settings)> = std::iter::once(project)
        .chain(global)
        .filter_map(|path| {
            let settings = serde_json::from_str(&machine.read(&path)?).ok()?;
            Some((path, settings))
        })
        .collect();
    let mut logins: Vec<Value> = Vec::new();
    let variable = machine.variable("COMPOSER_AUTH");
    logins.extend(variable.and_then(|text| serde_json::from_str(text).ok()));
    logins.extend(read(machine.dir().join("auth.json")).map(|(_, value)| value));
    logins.extend(in_homes("auth.json").into_iter().map(|(_, value)| value));
    // Settings may have logins, too.
    let inline = settings.iter();
    logins.extend(inline.filter_map(|(_, settings)| settings.config.clone()));

    let (mut all, mut is_off) = (Vec::new(), false);
    for (path, Settings { repositories, .. }) in &settings {
        is_off |= repositories.has_switched_off;
        for (name, url) in &repositories.named {
            let found = DiscoveredUpstream::read(NAME, url, &file(path));
            all.extend(found.map(|found| (name, found)));
        }
    }
    let mut found = Vec::new();
    if !is_off {
        let is_new = |one: &DiscoveredUpstream| all.iter().all(|(_, other)| other.url != one.url);
        found.extend(asked(machine).into_iter().find(is_new));
    }
    for (name, one) in all {
        let is_default = is_off && found.is_empty();
        found.push(if is_default { one } else { one.only(name) });
    }
    let authorities = settings.iter().find_map(|(_, settings)| {
        let path = settings.config.as_ref()?.get("cafile")?.as_str()?;
        pem_file(path)
    });
    let known = |found: DiscoveredUpstream| {
        let certificates = Certificates {
            client: None,
            authorities: authorities.clone(),
        };
        authenticated(found, &logins).certified(certificates)
    };
    found.into_iter().map(known).collect()
}

/// What of a file matters here.
#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    repositories: Repositories,
    config: Option<Value>,
}

/// The repositories in a file, in their order: the client asks them one after the other.
#[derive(Default)]
struct Repositories {
    /// The name and the address of each.
    named: Vec<(String, String)>,
    /// Whether one is switched off, which only the client's own can be.
    has_switched_off: bool,
}

impl Repositories {
    fn add(&mut self, name: &str, one: &Value) {
        if *one == Value::Bool(false) {
            self.has_switched_off = true;
            return;
        }
        let text = |key: &str| one.get(key).and_then(Value::as_str);
        if let (Some(NAME), Some(url)) = (text("type"), text("url")) {
            let name = text("name").unwrap_or(name);
            self.named.push((name.to_owned(), folder_of(url)));
        }
    }
}

impl<'de> Deserialize<'de> for Repositories {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = Repositories;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of repositories, or an object of them")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Repositories::default();
                while let Some((name, one)) = map.next_entry::<String, Value>()? {
                    all.add(&name, &one);
                }
                Ok(all)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Repositories::default();
                let mut number = 0;
                while let Some(one) = list.next_element::<Value>()? {
                    number += 1;
                    match one.as_object() {
                        Some(object) if is_switch(object) => all.has_switched_off = true,
                        _ => all.add(&number.to_string(), &one),
                    }
                }
                Ok(all)
            }
        }
        from.deserialize_any(Walk)
    }
}

/// Whether an entry of a list is `{"name": false}`.
fn is_switch(object: &Map<String, Value>) -> bool {
    object.len() == 1 && object.values().all(|value| *value == Value::Bool(false))
}

/// The folder in which a repository's root is.
fn folder_of(url: &str) -> String {
    match url.rsplit_once('/') {
        Some((folder, file)) if file.strip_suffix(".json").is_some() => format!("{folder}/"),
        _ => url.to_owned(),
    }
}

/// With what the logins say of its host.
fn authenticated(found: DiscoveredUpstream, logins: &[Value]) -> DiscoveredUpstream {
    let rest = found.url.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default().to_owned();
    let of_host = |kind: &str| logins.iter().find_map(|all| all.get(kind)?.get(&host));
    if let Some(basic) = of_host("http-basic") {
        let text = |key: &str| basic.get(key).and_then(Value::as_str).map(str::to_owned);
        return found.with(text("username"), text("password"));
    }
    match of_host("bearer").and_then(Value::as_str) {
        Some(token) => found.with(None, Some(token.to_owned())),
        None => found,
    }
}

/// What it asks, its own repository among those that files name.
fn asked(machine: &Machine) -> Vec<DiscoveredUpstream> {
    let arguments = ["config", "--global", "--no-interaction", "repositories"];
    let said = machine.run(NAME, &arguments);
    said.map_or(Vec::new(), |said| told(&said.out))
}

/// The repositories that it tells.
fn told(said: &str) -> Vec<DiscoveredUpstream> {
    let line = said.lines().rev().find(|line| line.starts_with(['{', '[']));
    let told: Option<Repositories> = line.and_then(|line| serde_json::from_str(line).ok());
    let named = told.unwrap_or_default().named.into_iter();
    let read =
        |(_, url): (String, String)| DiscoveredUpstream::read(NAME, &url, &Place::Program(LINE));
    named.filter_map(read).collect()
}

#[cfg(test)]
mod tests;
