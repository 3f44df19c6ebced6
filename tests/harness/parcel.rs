//! Packages as clients publish them, made of a manifest and some bytes, sent by raw HTTP.

use crate::archive::{Member, gzip, tar_of, zip};
use crate::debs::Deb;
use crate::rpms::rpm;
use crate::{Client, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// What stands between the fields of a form.
const EDGE: &str = "an-edge-that-is-nowhere-else";

/// Publishes a package in one version to the repo `protocol/main`, with these bytes in it: cargo,
/// npm, pypi, go, deb, rpm or composer.
#[track_caller]
pub fn publish(
    client: &Client,
    protocol: &str,
    name: &str,
    version: &str,
    bytes: &[u8],
) -> Response {
    publish_to(client, (protocol, "main"), name, version, bytes)
}

/// A body's media type.
pub const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// Publishes it to a repo: its protocol and its name.
#[track_caller]
pub fn publish_to(
    client: &Client,
    (protocol, repo): (&str, &str),
    name: &str,
    version: &str,
    bytes: &[u8],
) -> Response {
    let path = match protocol {
        "cargo" => format!("{name}-{version}/data"),
        "npm" => "package/data".to_owned(),
        "go" => format!("{}@v{version}/data", module(name)),
        "composer" => "data".to_owned(),
        _ => {
            let file = wheel_name(name, version);
            let stem = file.trim_end_matches("-py3-none-any.whl");
            format!("{stem}.data/data/{stem}")
        }
    };
    let members = [Member::File(&path, bytes)];
    publish_members(client, (protocol, repo), name, version, &members)
}

/// Publishes it with these in its archive, under these very names.
#[track_caller]
pub fn publish_members(
    client: &Client,
    (protocol, repo): (&str, &str),
    name: &str,
    version: &str,
    members: &[Member<'_>],
) -> Response {
    match protocol {
        "cargo" => publish_crate(client, repo, name, version, members),
        "npm" => publish_npm(client, repo, name, version, members),
        "pypi" => publish_wheel(client, repo, name, version, members),
        "go" => publish_module(client, repo, name, version, members),
        "deb" => publish_deb(client, repo, name, version, members),
        "rpm" => publish_rpm(client, repo, name, version, members),
        "composer" => publish_php(client, repo, name, version, members),
        other => panic!("nothing is published as {other}"),
    }
}

/// Protocols whose lists alone tell of packages: no request names one.
pub const INDEXED: [&str; 2] = ["deb", "rpm"];

/// What a protocol calls a package of this name, or packages of a pattern of names.
pub fn package_of(protocol: &str, name: &str) -> String {
    match protocol {
        "go" => module(name),
        "composer" => format!("acme/{name}"),
        _ => name.to_owned(),
    }
}

/// A package as one segment of a path.
pub fn in_path(package: &str) -> String {
    package.replace('/', "%2F")
}

/// How a protocol spells a version.
pub fn version_of(protocol: &str, version: &str) -> String {
    match protocol {
        "go" => format!("v{version}"),
        "rpm" => format!("{version}-1.noarch"),
        _ => version.to_owned(),
    }
}

/// The path of a module of this name.
pub fn module(name: &str) -> String {
    format!("{name}.example")
}

/// The path or the version of a module as addresses spell it.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for char in text.chars() {
        if char.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(char.to_ascii_lowercase());
    }
    escaped
}

fn publish_module(
    client: &Client,
    repo: &str,
    name: &str,
    version: &str,
    members: &[Member<'_>],
) -> Response {
    let module = module(name);
    let (path, text) = (
        format!("{module}@v{version}/go.mod"),
        format!("module {module}\n"),
    );
    let mut files: Vec<(&str, &[u8])> = vec![(&path, text.as_bytes())];
    files.extend(members.iter().map(in_zip));
    let at = format!("/go/{repo}/{}/@v/v{version}.zip", escape(&module));
    client.send("PUT", &at, &[], &zip(&files))
}

/// The file name that the wheel of a project has.
pub fn wheel_name(name: &str, version: &str) -> String {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|char| if "-_.".contains(char) { '_' } else { char })
        .collect();
    format!("{plain}-{version}-py3-none-any.whl")
}

fn publish_deb(
    client: &Client,
    repo: &str,
    name: &str,
    version: &str,
    members: &[Member<'_>],
) -> Response {
    let deb = Deb::new(name, version);
    let path = format!("/deb/{repo}/pool/stable/main/{}", deb.file());
    client.send("PUT", &path, &[], &deb.holding(members))
}

/// The payload has the files' bytes, one after the other.
fn publish_rpm(
    client: &Client,
    repo: &str,
    name: &str,
    version: &str,
    members: &[Member<'_>],
) -> Response {
    let payload: Vec<u8> = members
        .iter()
        .flat_map(|member| in_zip(member).1.to_vec())
        .collect();
    let path = format!("/rpm/{repo}/{name}-{version}-1.noarch.rpm");
    client.send("PUT", &path, &[], &rpm(name, version, &payload))
}

fn publish_crate(
    client: &Client,
    repo: &str,
    name: &str,
    version: &str,
    members: &[Member<'_>],
) -> Response {
    let manifest =
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
    let at = |file: &str| format!("{name}-{version}/{file}");
    let (own, source) = (at("Cargo.toml"), at("src/lib.rs"));
    let files = [
        Member::File(&own, manifest.as_bytes()),
        Member::File(&source, b"pub const OURS: u8 = 1;"),
    ];
    let packed = gzip(&tar_of(&[&files, members].concat()));
    let words = json!({"name": name, "vers": version, "deps": [], "features": {}}).to_string();
    let length = |count: usize| u32::try_from(count).expect("small").to_le_bytes();
    let body = [
        &length(words.len())[..],
        words.as_bytes(),
        &length(packed.len()),
        &packed,
    ]
    .concat();
    client.send(
        "PUT",
        &format!("/cargo/{repo}/api/v1/crates/new"),
        &[],
        &body,
    )
}

fn publish_npm(
    client: &Client,
    repo: &str,
    name: &str,
    version: &str,
    members: &[Member<'_>],
) -> Response {
    let parcel = npm_of(repo, name, version, members);
    client.send("PUT", &parcel.path, &JSON, &parcel.body)
}

/// What npm sends to publish a package.
pub struct Npm {
    /// Where it sends it with PUT.
    pub path: String,
    /// What, as JSON.
    pub body: Vec<u8>,
    /// The tarball in it.
    pub tarball: Vec<u8>,
}

/// A package with these bytes in it, for a hosted repo.
pub fn npm(repo: &str, name: &str, version: &str, bytes: &[u8]) -> Npm {
    npm_of(repo, name, version, &[Member::File("package/data", bytes)])
}

fn npm_of(repo: &str, name: &str, version: &str, members: &[Member<'_>]) -> Npm {
    let manifest = json!({"name": name, "version": version, "main": "index.js"});
    let text = manifest.to_string();
    let files = [
        Member::File("package/package.json", text.as_bytes()),
        Member::File("package/index.js", b"module.exports = 'ours'"),
    ];
    let packed = gzip(&tar_of(&[&files, members].concat()));
    let mut version_of = manifest;
    version_of["dist"] = json!({});
    let file = format!("{name}-{version}.tgz");
    let attachment = json!({
        "content_type": "application/octet-stream", "data": STANDARD.encode(&packed), "length": packed.len(),
    });
    let body = json!({
        "_id": name, "name": name, "dist-tags": {"latest": version},
        "versions": {version: version_of}, "_attachments": {file: attachment},
    });
    Npm {
        path: format!("/npm/{repo}/{}", name.replace('/', "%2f")),
        body: body.to_string().into_bytes(),
        tarball: packed,
    }
}

/// A name without a vendor gets one.
fn publish_php(
    client: &Client,
    repo: &str,
    name: &str,
    version: &str,
    members: &[Member<'_>],
) -> Response {
    let name = if name.contains('/') {
        name.to_owned()
    } else {
        package_of("composer", name)
    };
    let manifest = json!({"name": name, "version": version}).to_string();
    let mut files: Vec<(&str, &[u8])> = vec![("composer.json", manifest.as_bytes())];
    files.extend(members.iter().map(in_zip));
    let headers = [("content-type", "application/zip")];
    client.send(
        "PUT",
        &format!("/composer/{repo}/upload"),
        &headers,
        &zip(&files),
    )
}

/// A member of a zip archive: a link is a file there, whose bytes are where it leads.
fn in_zip<'m>(member: &Member<'m>) -> (&'m str, &'m [u8]) {
    match *member {
        Member::File(name, bytes) => (name, bytes),
        Member::Symlink(name, target) | Member::HardLink(name, target) => (name, target.as_bytes()),
    }
}

fn publish_wheel(
    client: &Client,
    repo: &str,
    name: &str,
    version: &str,
    members: &[Member<'_>],
) -> Response {
    let file = wheel_name(name, version);
    let (stem, _) = file.split_once("-py3").expect("a wheel's name");
    let about = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    let made = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let module = format!("{}.py", stem.split('-').next().unwrap_or_default());
    let at = |file: &str| format!("{stem}.dist-info/{file}");
    let (metadata, made_at, record) = (at("METADATA"), at("WHEEL"), at("RECORD"));
    let mut files: Vec<(&str, &[u8])> = vec![
        (&module, b"ours = 1\n"),
        (&metadata, about.as_bytes()),
        (&made_at, made.as_bytes()),
        (&record, b""),
    ];
    files.extend(members.iter().map(in_zip));
    let wheel = zip(&files);
    let field = |name: &str, value: &str| {
        format!("--{EDGE}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            .into_bytes()
    };
    let mut body = Vec::new();
    for (key, value) in [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("metadata_version", "2.1"),
        ("name", name),
        ("version", version),
        ("filetype", "bdist_wheel"),
        ("pyversion", "py3"),
    ] {
        body.extend(field(key, value));
    }
    let part = format!(
        "--{EDGE}\r\ncontent-disposition: form-data; name=\"content\"; filename=\"{file}\"\r\n\r\n"
    );
    body.extend(part.as_bytes());
    body.extend(wheel);
    body.extend(format!("\r\n--{EDGE}--\r\n").as_bytes());
    let content_type = format!("multipart/form-data; boundary={EDGE}");
    client.send(
        "POST",
        &format!("/pypi/{repo}/legacy/"),
        &[("content-type", &content_type)],
        &body,
    )
}
