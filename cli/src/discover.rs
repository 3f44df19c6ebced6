//! `larder discover`.

use crate::outcome::Outcome;
use crate::table::Table;
use larder_discover::{DiscoveredUpstream, Machine, setting};
use larder_model::ProtocolName;
use serde_json::{Value, json};
use std::time::Duration;

/// The longest that all of it may take.
const LIMIT: Duration = Duration::from_secs(10);
/// What a password is shown as.
const HIDDEN: &str = "***";

const LIST: Table = Table::new(
    &[
        ("PROTOCOL", "protocol"),
        ("URL", "url"),
        ("FOR", "for"),
        ("FOUND IN", "found_in"),
    ],
    &["url"],
);

pub(crate) fn discover(machine: &Machine) -> Outcome {
    told(&larder_discover::discover(machine, LIMIT))
}

fn told(all: &[(ProtocolName, Vec<DiscoveredUpstream>)]) -> Outcome {
    let (mut items, mut lines) = (Vec::new(), Vec::new());
    for (protocol, found) in all {
        if found.is_empty() {
            let command = setting(*protocol);
            lines.push(json!({"protocol": protocol.0, "found_in": format!("nothing found; set it with {command}")}));
            items.push(
                json!({"protocol": protocol.0, "url": null, "found_in": null, "set_with": command}),
            );
        }
        for one in found {
            let item = item(one);
            let mut line = item.clone();
            line["url"] = Value::String(shown(one));
            items.push(item);
            lines.push(line);
        }
    }
    let text = LIST.list(&lines, false, None).trim_end().to_owned();
    Outcome::text(Some(json!({"items": items, "next": null})), text)
}

fn item(found: &DiscoveredUpstream) -> Value {
    json!({
        "protocol": found.protocol.0,
        "url": found.url,
        "username": found.username,
        "has_password": found.password.is_some(),
        "for": found.only.as_deref().unwrap_or("everything"),
        "default": found.default,
        "found_in": found.place.to_string(),
    })
}

/// The address with its credentials, the password hidden.
fn shown(found: &DiscoveredUpstream) -> String {
    let name = found.username.as_deref().unwrap_or_default();
    match &found.password {
        Some(_) => found
            .url
            .replacen("://", &format!("://{name}:{HIDDEN}@"), 1),
        None => found.url.clone(),
    }
}

#[cfg(test)]
mod tests;
