//! npm, and those that speak as it does: pnpm, yarn, bun.

use crate::found::{Certificates, DiscoveredUpstream, Place, file, pem_file, pem_text};
use crate::ini::{self, Entry};
use crate::machine::Machine;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::path::PathBuf;
use toml::Table;

const NAME: &str = "npm";
/// Variables that name a registry, in lower case.
const VARIABLES: [&str; 4] = [
    "npm_config_registry",
    "bun_config_registry",
    "yarn_npm_registry_server",
    "yarn_registry",
];
/// Who tells its registry when asked, and how.
const TELLERS: [(&str, &str); 3] = [
    ("npm", "npm config get registry"),
    ("pnpm", "pnpm config get registry"),
    ("yarn", "yarn config get registry"),
];

/// What they use, the default first.
pub(crate) fn look(machine: &Machine) -> Vec<DiscoveredUpstream> {
    let project = |name: &str| Some(machine.dir().join(name));
    let user = machine
        .folder("npm_config_userconfig")
        .or_else(|| machine.folder("NPM_CONFIG_USERCONFIG"));
    // npm and pnpm: variables before files, the strongest first.
    let npmrc = [
        project(".npmrc"),
        user.or_else(|| machine.home(".npmrc")),
        machine.config("pnpm/rc"),
    ];
    let npmrc: Vec<(PathBuf, Vec<Entry>)> = read(machine, npmrc, |text| ini::read(text, &['=']));
    let lines: Vec<&Entry> = npmrc.iter().flat_map(|(_, entries)| entries).collect();
    let expand = |text: &str| expanded(text, |name| machine.variable(name));

    let set = |(name, value): (&str, &str)| {
        let known = VARIABLES.contains(&&*name.to_lowercase()) && !value.is_empty();
        if known {
            DiscoveredUpstream::read(NAME, value, &Place::Variable(name.to_owned()))
        } else {
            None
        }
    };
    let mut all: Vec<DiscoveredUpstream> = machine.variables().filter_map(set).collect();
    for (path, entries) in &npmrc {
        all.extend(
            entries
                .iter()
                .filter_map(|entry| registry(entry, &file(path), expand)),
        );
    }
    // bun
    let bun = [
        project("bunfig.toml"),
        machine.config(".bunfig.toml"),
        machine.home(".bunfig.toml"),
    ];
    for (path, table) in read(machine, bun, |text| {
        text.parse::<Table>().unwrap_or_default()
    }) {
        all.extend(bunfig(&table, &file(&path), expand));
    }
    // yarn, old and new
    let yarn = [".yarnrc.yml", ".yarnrc"];
    let yarn = yarn
        .into_iter()
        .flat_map(|name| [project(name), machine.home(name)]);
    for (path, found) in read(machine, yarn, |text| yarnrc(text).map(expand)) {
        all.extend(found.and_then(|url| DiscoveredUpstream::read(NAME, &url, &file(&path))));
    }
    // If nothing says it, the client has a default of its own.
    if !all.iter().any(|found| found.default) {
        all.extend(asked(machine));
    }
    all.sort_by_key(|found| !found.default); // keeps the order otherwise
    all.into_iter()
        .map(|found| {
            let certificates = certificates(&found.url, &lines, expand);
            authenticated(found, &lines, expand).certified(certificates)
        })
        .collect()
}

fn read<T>(
    machine: &Machine,
    paths: impl IntoIterator<Item = Option<PathBuf>>,
    parse: impl Fn(&str) -> T,
) -> Vec<(PathBuf, T)> {
    let read = |path: PathBuf| Some((path.clone(), parse(&machine.read(&path)?)));
    paths.into_iter().flatten().filter_map(read).collect()
}

/// The registry that a line of `.npmrc` sets, for everything or for a scope.
fn registry(
    entry: &Entry,
    place: &Place,
    expand: impl Fn(&str) -> String,
) -> Option<DiscoveredUpstream> {
    let scope = match &*entry.key {
        "registry" => None,
        key => Some(
            key.strip_suffix(":registry")
                .filter(|scope| scope.starts_with('@'))?,
        ),
    };
    let found = DiscoveredUpstream::read(NAME, &expand(unquoted(&entry.value)), place)?;
    Some(match scope {
        Some(scope) => found.only(scope),
        None => found,
    })
}

/// What `[install]` of bun's file sets.
fn bunfig(
    table: &Table,
    place: &Place,
    expand: impl Fn(&str) -> String,
) -> Option<DiscoveredUpstream> {
    let registry = table.get("install")?.get("registry")?;
    let text = |key: &str| Some(expand(registry.get(key)?.as_str()?));
    match registry.as_str() {
        Some(url) => DiscoveredUpstream::read(NAME, &expand(url), place),
        None => Some(match text("token") {
            Some(token) => {
                DiscoveredUpstream::read(NAME, &text("url")?, place)?.with(None, Some(token))
            }
            None => DiscoveredUpstream::read(NAME, &text("url")?, place)?
                .with(text("username"), text("password")),
        }),
    }
}

/// The registry that yarn's file sets at its top: `npmRegistryServer: "…"`, or in the old form
/// `registry "…"`.
fn yarnrc(text: &str) -> Option<&str> {
    let value = |line: &'_ str| {
        let after = line
            .strip_prefix("npmRegistryServer:")
            .or_else(|| line.strip_prefix("registry "))?;
        Some(line.len() - after.len())
    };
    text.lines()
        .find_map(|line| value(line).map(|at| unquoted(line[at..].trim())))
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// `${NAME}` in its place, and `${NAME-other}` where there is none; what is not set stays.
fn expanded<'a>(text: &str, variable: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inner, following)) = after.split_once('}') else {
            break;
        };
        let (name, other) = inner
            .split_once('-')
            .map_or((inner, None), |(name, other)| (name, Some(other)));
        let name = name.trim_end_matches([':', '?']);
        out.push_str(before);
        match variable(name).or(other) {
            Some(value) => out.push_str(value),
            None => out.extend(["${", inner, "}"]),
        }
        rest = following;
    }
    out + rest
}

/// What a line such as `//host/path/:_authToken=…` says of an address.
fn said_of(
    url: &str,
    what: &str,
    lines: &[&Entry],
    expand: impl Fn(&str) -> String,
) -> Option<String> {
    let place = url.split_once(':').map_or("", |(_, rest)| rest);
    let of = |entry: &&&Entry| {
        let at = entry
            .key
            .strip_suffix(what)
            .and_then(|key| key.strip_suffix(':'));
        at.is_some_and(|at| place.starts_with(&format!("{}/", at.trim_end_matches('/'))))
    };
    let line = lines.iter().find(of);
    line.map(|entry| expand(unquoted(&entry.value)))
}

/// What is shown and taken at an address: by lines for it alone, which name files, and by those for all
/// addresses, which name a file or have the text in them.
fn certificates(
    url: &str,
    lines: &[&Entry],
    expand: impl Fn(&str) -> String + Copy,
) -> Certificates {
    let of_all = |key: &str| {
        let line = lines.iter().find(|entry| entry.key == key);
        line.map(|entry| expand(unquoted(&entry.value)))
    };
    let file = |what| pem_file(&said_of(url, what, lines, expand)?);
    let text = |key| of_all(key).map(|text| pem_text(&text));
    let file_of_all = |key| pem_file(&of_all(key)?);
    Certificates {
        client: file("certfile")
            .zip(file("keyfile"))
            .or_else(|| text("cert").zip(text("key"))),
        authorities: file_of_all("cafile").or_else(|| text("ca")),
    }
}

/// With what the lines `//host/path/:_authToken=…` and their like say of the address.
fn authenticated(
    found: DiscoveredUpstream,
    lines: &[&Entry],
    expand: impl Fn(&str) -> String,
) -> DiscoveredUpstream {
    let url = found.url.clone();
    let value = |what: &str| said_of(&url, what, lines, &expand);
    let decoded = |text: String| String::from_utf8(STANDARD.decode(text).ok()?).ok();
    if let Some(token) = value("_authToken") {
        return found.with(None, Some(token));
    }
    if let Some((name, password)) = value("_auth")
        .and_then(decoded)
        .as_deref()
        .and_then(|both| both.split_once(':'))
    {
        return found.with(Some(name.to_owned()), Some(password.to_owned()));
    }
    let (name, password) = (value("username"), value("_password").and_then(decoded));
    if name.is_some() {
        found.with(name, password)
    } else {
        found
    }
}

/// What the first of them that is installed tells.
fn asked(machine: &Machine) -> Option<DiscoveredUpstream> {
    TELLERS.into_iter().find_map(|(program, line)| {
        let said = machine.run(program, &["config", "get", "registry"])?;
        DiscoveredUpstream::read(NAME, said.out.lines().last()?, &Place::Program(line))
    })
}

#[cfg(test)]
mod tests;
