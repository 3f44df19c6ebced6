//! pip and uv.

use crate::found::{DiscoveredUpstream, Place, file};
use crate::ini;
use crate::machine::Machine;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

const NAME: &str = "pypi";
/// Variables that name the index.
const VARIABLES: [&str; 3] = ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"];
/// Variables that name more of them.
const MORE: [&str; 3] = ["PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"];
/// What pip itself takes for its default.
const PROGRAM: &str = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";

/// What they use, the default first.
pub(crate) fn look(machine: &Machine) -> Vec<DiscoveredUpstream> {
    let mut all = Vec::new();
    // Variables before files.
    for (names, main) in [(&VARIABLES, true), (&MORE, false)] {
        for name in names {
            let place = Place::Variable((*name).to_owned());
            all.extend(addresses(
                machine.variable(name).unwrap_or_default(),
                main,
                &place,
            ));
        }
    }
    // pip
    for path in pip_files(machine) {
        if let Some(text) = machine.read(&path) {
            all.extend(pip(&text, &path));
        }
    }
    // uv
    for path in uv_files(machine) {
        let Some(table) = machine
            .read(&path)
            .and_then(|text| text.parse::<Table>().ok())
        else {
            continue;
        };
        let project = path.ends_with("pyproject.toml");
        let settings = if project {
            table
                .get("tool")
                .and_then(|tool| tool.get("uv")?.as_table())
        } else {
            Some(&table)
        };
        all.extend(
            settings
                .map(|settings| uv(settings, &path))
                .unwrap_or_default(),
        );
    }
    // If nothing says it, the client has a default of its own.
    if !all.iter().any(|found| found.default) {
        all.extend(asked(machine));
    }
    all.sort_by_key(|found| !found.default); // keeps the order otherwise
    all
}

/// pip's files, the strongest first.
fn pip_files(machine: &Machine) -> Vec<PathBuf> {
    let named = machine.folder("PIP_CONFIG_FILE");
    let site = machine
        .folder("VIRTUAL_ENV")
        .map(|folder| folder.join("pip.conf"));
    let user = [
        machine.config("pip/pip.conf"),
        machine.home(".pip/pip.conf"),
    ];
    let shared = machine
        .variable("XDG_CONFIG_DIRS")
        .unwrap_or("/etc/xdg")
        .split(':');
    let shared = shared.map(|folder| Some(Path::new(folder).join("pip/pip.conf")));
    let of_all = [Some(PathBuf::from("/etc/pip.conf"))];
    [named, site]
        .into_iter()
        .chain(user)
        .chain(shared)
        .chain(of_all)
        .flatten()
        .collect()
}

/// uv's files, the strongest first.
fn uv_files(machine: &Machine) -> Vec<PathBuf> {
    let named = machine.folder("UV_CONFIG_FILE");
    let project = machine
        .dir()
        .ancestors()
        .flat_map(|folder| [folder.join("uv.toml"), folder.join("pyproject.toml")]);
    let rest = [
        machine.config("uv/uv.toml"),
        Some(PathBuf::from("/etc/uv/uv.toml")),
    ];
    named
        .into_iter()
        .chain(project)
        .chain(rest.into_iter().flatten())
        .collect()
}

/// Addresses with spaces or line feeds between them; uv's may have names: `corp=https://…`.
fn addresses(text: &str, main: bool, place: &Place) -> Vec<DiscoveredUpstream> {
    let read = |word: &str| {
        let named = word
            .split_once('=')
            .filter(|(name, _)| !name.contains("://"));
        let found = DiscoveredUpstream::read(NAME, named.map_or(word, |(_, url)| url), place)?;
        Some(if main {
            found
        } else {
            found.only(named.map_or("extra", |(name, _)| name))
        })
    };
    text.split_whitespace().filter_map(read).collect()
}

/// What a `pip.conf` sets.
fn pip(text: &str, path: &Path) -> Vec<DiscoveredUpstream> {
    let mut all = Vec::new();
    for entry in ini::read(text, &['=', ':']) {
        let relevant = matches!(&*entry.section, "global" | "install" | "download");
        match &*entry.key.to_lowercase().replace('_', "-") {
            "index-url" if relevant => all.extend(addresses(&entry.value, true, &file(path))),
            "extra-index-url" if relevant => {
                all.extend(addresses(&entry.value, false, &file(path)));
            }
            _ => {}
        }
    }
    all
}

/// What uv's settings set.
fn uv(settings: &Table, path: &Path) -> Vec<DiscoveredUpstream> {
    let place = file(path);
    let text = |table: &Table, key: &str| {
        table
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let list = |table: &Table| {
        let places = table
            .get("extra-index-url")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        places
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // Named indexes, then the settings that pip has too.
    let mut all = Vec::new();
    for index in settings
        .get("index")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_table)
    {
        let main = index
            .get("default")
            .and_then(Value::as_bool)
            .unwrap_or_default();
        let found = DiscoveredUpstream::read(NAME, &text(index, "url"), &place);
        let name = Some(text(index, "name"))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "extra".to_owned());
        all.extend(found.map(|found| if main { found } else { found.only(name) }));
    }
    for settings in [
        Some(settings),
        settings.get("pip").and_then(Value::as_table),
    ]
    .into_iter()
    .flatten()
    {
        all.extend(addresses(&text(settings, "index-url"), true, &place));
        all.extend(
            list(settings)
                .iter()
                .flat_map(|url| addresses(url, false, &place)),
        );
    }
    all
}

/// What pip's own library says, or uv's help.
fn asked(machine: &Machine) -> Option<DiscoveredUpstream> {
    let library = |python: &str, line: &'static str| {
        let said = machine.run(python, &["-c", PROGRAM])?;
        DiscoveredUpstream::read(NAME, said.out.trim(), &Place::Program(line))
    };
    let help = || {
        let said = machine.run("uv", &["pip", "install", "--help"])?;
        DiscoveredUpstream::read(
            NAME,
            in_help(&said.out)?,
            &Place::Program("uv pip install --help"),
        )
    };
    library("python3", "pip of python3")
        .or_else(|| library("python", "pip of python"))
        .or_else(help)
}

/// The default that uv's help names for the index.
fn in_help(help: &str) -> Option<&str> {
    let (_, after) = help.split_once("--default-index")?;
    let (_, after) = after.split_once("default: ")?;
    let end = after.find([')', ']', '>', '\n'])?;
    Some(after[after.find("http")?..end].trim()).filter(|url| url.starts_with("http"))
}

#[cfg(test)]
mod tests;
