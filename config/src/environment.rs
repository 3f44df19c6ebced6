//! The environment: `LARDER_` and the key in capitals, with two underscores for each dot.

use crate::fault::{ConfigError, Fault, Place};
use crate::schema::{Named, Schema};
use crate::written::{Written, WrittenSettings};
use larder_model::nearest::nearest;
use std::io::Read as _;

/// The variable that names the file.
pub const CONFIG: &str = "LARDER_CONFIG";

/// Variables of ours that are no settings: the file, the first password, the client's side,
/// deliberate faults.
const OTHERS: [&str; 7] = [
    CONFIG,
    "LARDER_ADMIN_PASSWORD",
    "LARDER_ADMIN_PASSWORD_FILE",
    "LARDER_SERVER",
    "LARDER_TOKEN",
    "LARDER_PROFILE",
    "LARDER_FAULTS",
];

/// What a variable's name ends with that names a file which has the value, and nothing else.
const FILE: &str = "_FILE";

/// Secrets whose value may stand in a file: a container gets them as files.
const IN_FILES: [&str; 2] = ["database.url", "storage.secret_access_key"];

/// Bytes of such a file.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// The text of the file that a variable names, without the line feed at its end.
fn text_of(name: &str, path: &str) -> Result<String, Fault> {
    let wrong = |why: String| Fault::new(&Place::Variable(name.to_owned()), why);
    let read = || -> std::io::Result<String> {
        let mut text = String::new();
        let file = std::fs::File::open(path)?;
        file.take(MAX_FILE_BYTES).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(|error| wrong(format!("{path}: {error}")))?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(wrong(format!("{path} is empty")));
    }
    Ok(text.to_owned())
}

/// What is set in `env` to a variable of this name, or stands in the file that the variable with
/// `_FILE` at its end names.
fn value_of(env: &[(String, String)], name: &str) -> Result<Option<String>, Fault> {
    let set = |name: &str| {
        let mut found = env.iter().filter(|(known, _)| known == name);
        found
            .next()
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    };
    let file = format!("{name}{FILE}");
    match (set(name), set(&file)) {
        (Some(_), Some(_)) => Err(Fault::new(
            &Place::Variable(file),
            format!("contradicts {name}; set one of them"),
        )),
        (value, None) => Ok(value.cloned()),
        (None, Some(path)) => text_of(&file, path).map(Some),
    }
}

/// The first administrator's password: of `LARDER_ADMIN_PASSWORD`, or of the file that
/// `LARDER_ADMIN_PASSWORD_FILE` names.
pub fn first_password(env: &[(String, String)]) -> Result<Option<String>, ConfigError> {
    value_of(env, OTHERS[1]).map_err(|fault| ConfigError::new(vec![fault]))
}

/// Reads the secrets that stand in files.
fn read_files(env: &[(String, String)], given: &mut WrittenSettings, faults: &mut Vec<Fault>) {
    for key in IN_FILES {
        let name = variable_of(key);
        let file = format!("{name}{FILE}");
        if !env
            .iter()
            .any(|(known, value)| *known == file && !value.is_empty())
        {
            continue;
        }
        match value_of(env, &name) {
            Ok(Some(text)) => given.put(key, Written::loose(Place::Variable(file), text)),
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
    }
}

/// Whether a variable names such a file.
fn names_file(name: &str) -> bool {
    let own = name.strip_suffix(FILE);
    own.is_some_and(|own| IN_FILES.iter().any(|key| variable_of(key) == own))
}

/// Reads all variables that are ours over what the file said.
pub fn read(
    env: &[(String, String)],
    schema: &Schema,
    given: &mut WrittenSettings,
    faults: &mut Vec<Fault>,
) {
    let mut ours: Vec<_> = env
        .iter()
        .filter(|(name, value)| is_ours(name, value))
        .collect();
    ours.sort();
    for (name, value) in ours.into_iter().filter(|(name, _)| !names_file(name)) {
        let path = path_of(name);
        let written = Written::loose(Place::Variable(name.clone()), value);
        // Only the one right spelling counts: capitals, and two underscores where they belong.
        let named = if variable_of(&path) == *name {
            schema.find(&path)
        } else {
            Named::Nothing
        };
        match named {
            Named::Key(key) => given.put(key.path, written),
            Named::Part(key, part) => faults.extend(given.put_part(key.path, part, written).err()),
            // A name of one word that resembles no setting is of the scripts around us.
            Named::Section | Named::Nothing
                if !name.contains("__") && meant(&path, schema).is_none() => {}
            Named::Section | Named::Nothing => {
                let text = format!("unknown variable; {}", advice(&path, schema));
                faults.push(Fault::new(&Place::Variable(name.clone()), text));
            }
        }
    }
    read_files(env, given, faults);
}

/// The key that a variable names.
fn path_of(name: &str) -> String {
    name.trim_start_matches("LARDER_")
        .replace("__", ".")
        .to_lowercase()
}

/// The variable of a key.
fn variable_of(path: &str) -> String {
    format!("LARDER_{}", path.replace('.', "__").to_uppercase())
}

/// The variable that was meant instead, if one is near.
fn meant(path: &str, schema: &Schema) -> Option<String> {
    let mut paths = schema.paths();
    paths.extend(OTHERS.map(path_of));
    nearest(path, paths.iter().map(String::as_str)).map(variable_of)
}

fn advice(path: &str, schema: &Schema) -> String {
    match meant(path, schema) {
        Some(near) => format!("did you mean {near}?"),
        None => {
            "settings are LARDER_DATA or LARDER_SECTION__KEY, e.g. LARDER_SERVER__LISTEN".to_owned()
        }
    }
}

/// Whether a variable must be a setting.
fn is_ours(name: &str, value: &str) -> bool {
    name.starts_with("LARDER_")
        && !name.starts_with("LARDER_TEST_")
        && !OTHERS.contains(&name)
        && !is_service_link(name, value)
}

/// Whether an orchestrator made the variable for a service that happens to be called larder or
/// larder-something: `LARDER_SERVICE_HOST`, `LARDER_SERVICE_PORT_HTTP`, `LARDER_PORT=tcp://…`,
/// `LARDER_PORT_7070_TCP_ADDR`.
fn is_service_link(name: &str, value: &str) -> bool {
    let numbered = name.split_once("_PORT_").is_some_and(|(_, rest)| {
        let protocol = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        protocol.len() < rest.len()
            && ["_TCP", "_UDP", "_SCTP"]
                .iter()
                .any(|name| protocol.starts_with(name))
    });
    let address = name.ends_with("_PORT") && value.contains("://");
    numbered || address || name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
}

#[cfg(test)]
mod tests;
