//! The environment: `LARDER_` and the key in capitals, with two underscores for each dot.

use crate::fault::{Fault, Place};
use crate::schema::{Named, Schema, successor};
use crate::written::{Written, WrittenSettings};
use larder_model::nearest::nearest;

/// The variable that names the file.
pub const CONFIG: &str = "LARDER_CONFIG";

/// Variables of ours that are no settings: the file, the first password, the client's side,
/// deliberate faults.
const OTHERS: [&str; 6] = [
    CONFIG,
    "LARDER_ADMIN_PASSWORD",
    "LARDER_SERVER",
    "LARDER_TOKEN",
    "LARDER_PROFILE",
    "LARDER_FAULTS",
];

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
    for (name, value) in ours {
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
    if let Some(advice) = successor(path) {
        return advice.to_owned();
    }
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
