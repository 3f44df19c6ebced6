//! `larder discover`.

use crate::client::Client;
use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Args;
use larder_api::{RepositoryChange, UpstreamChange};
use larder_discover::{Certificates, DiscoveredUpstream, Machine, Pem, setting};
use larder_model::ProtocolName;
use serde_json::{Value, json};
use std::time::Duration;

/// The longest that all of it may take.
const LIMIT: Duration = Duration::from_secs(22);
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

/// What is done with what was found.
#[derive(Args, Debug)]
pub struct Discover {
    /// Make it what the mirrors `upstream` of the server are of, where they have no upstream yet; for
    /// superusers.
    #[arg(long)]
    apply: bool,
    /// With --apply: the upstreams may have private or loopback addresses.
    #[arg(long, requires = "apply")]
    allow_private: bool,
}

/// What was done to each mirror.
const APPLIED: Table = Table::new(
    &[
        ("REPOSITORY", "repository"),
        ("UPSTREAM", "upstream"),
        ("DONE", "done"),
    ],
    &["repository"],
);

/// The name of the mirror that a first start makes for each protocol.
const MIRROR: &str = "upstream";

pub(crate) async fn discover(args: &Discover, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let machine = &cx.env.machine;
    let found = larder_discover::discover(machine, LIMIT);
    if !args.apply {
        return Ok(told(&found));
    }
    let client = cx.client()?;
    let mut items = Vec::new();
    for (protocol, found) in &found {
        let default = found.iter().find(|found| found.default);
        let upstream = default.and_then(|found| Some((found, found.address()?)));
        let (upstream, done) = match upstream {
            Some((found, url)) => {
                let done = apply(
                    *protocol,
                    (found, url),
                    args.allow_private,
                    &client,
                    machine,
                )
                .await?;
                (Some(url), done)
            }
            None => (None, "nothing was found"),
        };
        let repository = format!("{protocol}/{MIRROR}");
        items.push(json!({"repository": repository, "upstream": upstream, "done": done}));
    }
    Ok(Outcome::list(
        json!({"items": items, "next": null}),
        &APPLIED,
    ))
}

/// Makes what was found the upstream of a mirror that has none; what was done.
async fn apply(
    protocol: ProtocolName,
    (found, url): (&DiscoveredUpstream, &str),
    allow_private: bool,
    client: &Client,
    machine: &Machine,
) -> Result<&'static str, Failure> {
    let path = ["repositories", protocol.0, MIRROR];
    let there = match client.get(&path, &[]).await {
        Ok(there) => there,
        Err(Failure::Refused { status: 404, .. }) => return Ok("there is no such mirror"),
        Err(failure) => return Err(failure),
    };
    if there["upstream"]["url"].is_string() {
        return Ok("left as it is: it has an upstream");
    }
    let secret = found.password.as_ref();
    let read = |pem: &Pem| pem.read(machine).map_err(Failure::Local);
    let certificates = &found.certificates;
    let (certificate, key) = certificates.client.as_ref().map(|(a, b)| (a, b)).unzip();
    let change = RepositoryChange {
        upstream: Some(UpstreamChange {
            url: Some(url.to_owned()),
            mirror_list: found.mirror_list.clone(),
            username: found.username.clone(),
            password: secret.map(|secret| secret.expose().to_owned()),
            client_certificate: certificate.map(read).transpose()?,
            client_key: key.map(read).transpose()?,
            ca_certificate: certificates.authorities.as_ref().map(read).transpose()?,
            trusted_keys: found.trusted_keys.clone(),
            allow_private: allow_private.then_some(true),
            checksum_database: found.checksums.as_ref().map(|it| it.key.clone()),
            checksum_database_url: found.checksums.as_ref().and_then(|it| it.url.clone()),
            checksum_database_except: found.checksums.as_ref().map(|it| it.except.clone()),
            vulnerability_database: found.vulnerabilities.clone(),
            ..UpstreamChange::default()
        }),
        ..RepositoryChange::default()
    };
    client.patch(&path, &change).await?;
    Ok("set")
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
            lines.extend(certificates(one));
        }
    }
    let text = LIST.list(&lines, false, None).trim_end().to_owned();
    Outcome::text(Some(json!({"items": items, "next": null})), text)
}

/// Lines for what its connections need.
fn certificates(found: &DiscoveredUpstream) -> Vec<Value> {
    let Certificates {
        client,
        authorities,
    } = &found.certificates;
    let (certificate, key) = client.as_ref().map(|(a, b)| (a, b)).unzip();
    let named = [
        ("client certificate", certificate),
        ("client key", key),
        ("authorities", authorities.as_ref()),
    ];
    let line = |(what, pem): (&str, Option<&Pem>)| {
        let found_in = format!("{what}: {}", pem?);
        Some(json!({"protocol": found.protocol.0, "url": null, "for": null, "found_in": found_in}))
    };
    named.into_iter().filter_map(line).collect()
}

fn item(found: &DiscoveredUpstream) -> Value {
    let client = found.certificates.client.as_ref();
    json!({
        "protocol": found.protocol.0,
        "url": found.url,
        "mirror_list": found.mirror_list,
        "username": found.username,
        "has_password": found.password.is_some(),
        "client_certificate": client.map(|(certificate, _)| certificate.to_string()),
        "client_key": client.map(|(_, key)| key.to_string()),
        "ca_certificate": found.certificates.authorities.as_ref().map(Pem::to_string),
        "checksum_database": found.checksums.as_ref().map(|it| it.key.clone()),
        "checksum_database_url": found.checksums.as_ref().and_then(|it| it.url.clone()),
        "checksum_database_except": found.checksums.as_ref().map(|it| it.except.clone()),
        "vulnerability_database": found.vulnerabilities,
        "for": found.only.as_deref().unwrap_or("everything"),
        "default": found.default,
        "found_in": found.place.to_string(),
    })
}

/// The address with its credentials, the password hidden.
fn shown(found: &DiscoveredUpstream) -> String {
    let name = found.username.as_deref().unwrap_or_default();
    let url = found.mirror_list.as_ref().unwrap_or(&found.url);
    match &found.password {
        Some(_) => url.replacen("://", &format!("://{name}:{HIDDEN}@"), 1),
        None => url.clone(),
    }
}

#[cfg(test)]
mod tests;
