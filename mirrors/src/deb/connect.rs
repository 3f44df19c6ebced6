//! Configuration of apt.

use crate::connect::{Client, Part, Target, authority, part};

/// The clients of this protocol.
pub(super) const CLIENTS: &[Client] = &[Client::new("apt", "apt-get update", apt)];

/// Where a distribution has its keys.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const SUITE: &str = "replace $SUITE by the suite, e.g. VERSION_CODENAME of /etc/os-release, and \
     name all components that are wanted; a flat repository has its folder and a slash as Suites, ./ for \
     its top, and no Components";
const UNSIGNED: &str = "nothing signs what is published here: set a key for it \
     (larder repo set REPO --signing-key FILE), and ask for these lines again";
const OF_DISTRIBUTION: &str = "Signed-By is the key of the distribution: no other is known here";
const TOKEN: &str = "replace $TOKEN by a token: larder token create NAME";

fn apt(target: &Target<'_>) -> Vec<Part> {
    let name = format!("larder-{}", target.repo);
    let mut parts = Vec::new();
    let file = format!("/etc/apt/keyrings/{name}-ca.crt");
    if let Some(certificate) = authority(target, &file) {
        parts.push(certificate);
        let line = format!("Acquire::https::{}::CAInfo \"{file}\";", host_name(target));
        parts.push(part(&format!("/etc/apt/apt.conf.d/90{name}"), [line]));
    }
    if !target.is_public() {
        let machine = format!("{}/{}/{}/", target.origin, target.protocol, target.repo);
        let lines = [
            format!("machine {machine}"),
            "login token".to_owned(),
            "password $TOKEN".to_owned(),
        ];
        let auth = part(&format!("/etc/apt/auth.conf.d/{name}.conf"), lines);
        parts.push(auth.for_private(target, "apt", TOKEN));
    }
    let keyring = format!("/etc/apt/keyrings/{name}.asc");
    if let Some(keys) = target.keys {
        parts.push(part(&keyring, keys.trim().lines().map(str::to_owned)));
    }
    let signed = match target.keys {
        Some(_) => format!("Signed-By: {keyring}"),
        // What is published without a key can be had in no other way.
        None if target.is_beside() => "Trusted: yes".to_owned(),
        None => format!("Signed-By: {KEYRING}"),
    };
    let suite = if target.is_beside() {
        "stable"
    } else {
        "$SUITE"
    };
    let lines = [
        "Types: deb".to_owned(),
        format!("URIs: {}", target.base()),
        format!("Suites: {suite}"),
        "Components: main".to_owned(),
        signed,
    ];
    let mut sources = part(&format!("/etc/apt/sources.list.d/{name}.sources"), lines);
    if !target.is_beside() {
        sources = sources.with_note(SUITE);
    }
    if target.keys.is_none() {
        let note = if target.is_beside() {
            UNSIGNED
        } else {
            OF_DISTRIBUTION
        };
        sources = sources.with_note(note);
    }
    parts.push(if target.is_public() {
        sources.for_private(target, "apt", TOKEN)
    } else {
        sources
    });
    parts
}

/// The host without its port.
fn host_name<'a>(target: &Target<'a>) -> &'a str {
    let host = target
        .origin
        .split_once("://")
        .map_or(target.origin, |(_, rest)| rest);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
