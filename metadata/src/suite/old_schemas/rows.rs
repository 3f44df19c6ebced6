//! Rows as the version before wrote them: kinds were in paths, and `etag` had whatever there was to
//! remember.

use crate::files::PackageKey;
use crate::{Batch, Value};
use bytes::Bytes;
use larder_model::{Algorithm, Digest, Hasher};

pub(super) const NPM: i64 = 11;
pub(super) const PYPI: i64 = 12;
pub(super) const CARGO: i64 = 13;
pub(super) const NPM_MIRROR: i64 = 21;
pub(super) const PYPI_MIRROR: i64 = 22;
pub(super) const PRIVATE_MIRROR: i64 = 23;
pub(super) const CLOSED_MIRROR: i64 = 24;
pub(super) const LENT_MIRROR: i64 = 25;
pub(super) const RPM_MIRROR: i64 = 26;
pub(super) const RPM: i64 = 31;
pub(super) const RPM_GROUP: i64 = 32;
pub(super) const IMAGES: i64 = 41;
pub(super) const IMAGE_MIRROR: i64 = 42;
pub(super) const MAIN: i64 = 51;
pub(super) const EMPTY_GROUP: i64 = 52;
pub(super) const LENT_GROUP: i64 = 53;

/// Rows whose JSON becomes rows: those of groups with members, and the server's settings.
pub(super) const JSON_ROWS: usize = 4;

/// When everything was made.
pub(super) const MADE: i64 = 1_700_000_000_000_000;
/// When upstreams confirmed what they have.
pub(super) const CHECKED: i64 = MADE + 5_000_000;
/// When a part of an index was in use last.
pub(super) const RETIRED: i64 = MADE + 7_000_000;

const REPO: &str = "insert into repos (id, protocol, name, kind, description, settings, \
    created_at) values (?1, ?2, ?3, ?4, 'for people', ?5, ?6)";
const BLOB: &str = "insert into blobs (digest, size, generation, state, touched_at, body) \
    values (?1, ?2, 0, 'kept', ?3, ?4) on conflict (digest) do nothing";
const FILE: &str = "insert into files (repo, package, path, digest, content_type, facts, \
    created_at, created_by, version, etag, modified, checked_at) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
const PACKAGE: &str = "insert into packages (repo, name, full_name, revision, updated_at) \
    values (?1, ?2, ?3, 7, ?4)";
const SEEN: &str = "insert into history (repo, package, path, seen_at, digest) \
    values (?1, ?2, ?3, ?4, ?5)";
const EDGE: &str = "insert into edges (repo, package, parent, child, kind) \
    values (?1, ?2, ?3, ?4, ?5)";
const UPLOAD: &str = "insert into uploads (id, repo, package, principal, algorithm, received, \
    hash_state, incarnation, version, created_at, touched_at, finished) \
    values (?1, ?2, 'app', 'user:alice', ?3, ?4, ?5, ?6, 2, ?7, ?7, ?8)";
const SETTING: &str = "insert into settings (key, value) values (?1, ?2)";
const USER: &str = "insert into users (id, name, kind, password, superuser, disabled, \
    created_at) values (?1, ?2, ?3, 'hash', ?4, 0, ?5)";
const USER_GROUP: &str = "insert into groups (id, name, created_at) values (1, 'team', ?1)";
const USER_MEMBER: &str = "insert into members (group_id, user_id) values (1, ?1)";
const TOKEN: &str = "insert into tokens (id, owner, name, kind, hash, grants, created_at, \
    expires_at) values (?1, ?2, 'laptop', ?3, ?4, null, ?5, null)";
const GRANT: &str = "insert into grants (id, subject, repository, package, role, created_at, \
    created_by) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(super) const fn at(repo: i64, package: &str) -> PackageKey<'_> {
    PackageKey { repo, package }
}

pub(super) fn digest(text: &str) -> Digest {
    Digest::of(Algorithm::Sha256, text.as_bytes())
}

/// The state of a hash, as an upload has it.
pub(super) fn hash_state() -> Vec<u8> {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(b"bytes so far");
    hasher.state()
}

/// What a file's row says beside its key and its bytes.
#[derive(Clone, Copy, Default)]
struct Said<'a> {
    content_type: &'a str,
    facts: &'a str,
    by: &'a str,
    version: &'a str,
    etag: &'a str,
    modified: &'a str,
    checked_at: i64,
}

/// The batch that fills a database.
struct Rows(Batch);

impl Rows {
    fn repo(&mut self, id: i64, (protocol, name): (&str, &str), kind: &str, settings: &str) {
        let (protocol, name) = (protocol.into(), name.into());
        let values = [
            id.into(),
            protocol,
            name,
            kind.into(),
            settings.into(),
            MADE.into(),
        ];
        self.0.run(REPO, values);
    }

    fn package(&mut self, repo: i64, name: &str, full_name: &str) {
        let values = [repo.into(), name.into(), full_name.into(), MADE.into()];
        self.0.run(PACKAGE, values);
    }

    fn file(&mut self, (repo, package): (i64, &str), path: &str, text: &str, said: Said<'_>) {
        let digest = Value::from(digest(text));
        let (size, body) = (text.len() as u64, Bytes::copy_from_slice(text.as_bytes()));
        let values = [digest.clone(), size.into(), MADE.into(), body.into()];
        self.0.run(BLOB, values);
        let values = [
            repo.into(),
            package.into(),
            path.into(),
            digest,
            said.content_type.into(),
            said.facts.into(),
            MADE.into(),
            said.by.into(),
            said.version.into(),
            said.etag.into(),
            said.modified.into(),
            said.checked_at.into(),
        ];
        self.0.run(FILE, values);
    }

    /// A package's first file took its name.
    fn begin(&mut self, repo: i64, package: &str, full_name: &str) {
        self.package(repo, package, full_name);
        let by = "user:alice";
        let said = Said {
            by,
            ..Said::default()
        };
        self.file((repo, package), "owned", "", said);
    }

    fn published(&mut self, at: (i64, &str), path: &str, version: &str) {
        let said = Said {
            content_type: "application/octet-stream",
            facts: "{\"a\":1}",
            by: "user:alice",
            version,
            ..Said::default()
        };
        self.file(at, path, path, said);
    }

    /// What was published before and taken back.
    fn gone(&mut self, at: (i64, &str), name: &str) {
        let by = "user:bob";
        let said = Said {
            by,
            ..Said::default()
        };
        self.file(at, &format!("gone/{name}"), "", said);
    }

    /// What was made here of something else.
    fn made(&mut self, at: (i64, &str), path: &str, etag: &str, checked_at: i64) {
        let said = Said {
            content_type: "text/plain",
            by: "larder",
            etag,
            checked_at,
            ..Said::default()
        };
        self.file(at, path, path, said);
    }

    /// A file of an upstream; of an artifact `etag` is its integrity.
    fn fetched(&mut self, at: (i64, &str), path: &str, text: &str, etag: &str) {
        let said = Said {
            content_type: "text/plain",
            by: "upstream",
            etag,
            modified: "Mon",
            checked_at: CHECKED,
            ..Said::default()
        };
        self.file(at, path, text, said);
    }

    fn seen(&mut self, (repo, package): (i64, &str), path: &str, states: &[(&str, i64)]) {
        for (text, after) in states {
            let (at, digest) = ((MADE + after).into(), digest(text).into());
            let values = [repo.into(), package.into(), path.into(), at, digest];
            self.0.run(SEEN, values);
        }
    }

    /// A document of an upstream, which was never another one.
    fn document(&mut self, at: (i64, &str), path: &str, etag: &str) {
        self.fetched(at, path, path, etag);
        self.seen(at, path, &[(path, 0)]);
    }

    fn grant(&mut self, id: i64, (subject, role): (&str, &str), on: (&str, &str), by: &str) {
        let (repository, package) = (on.0.into(), on.1.into());
        let (subject, role) = (subject.into(), role.into());
        let values = [
            id.into(),
            subject,
            repository,
            package,
            role,
            MADE.into(),
            by.into(),
        ];
        self.0.run(GRANT, values);
    }
}

/// Everything that the version before had.
pub(super) fn all() -> Batch {
    let mut rows = Rows(Batch::default());
    repositories(&mut rows);
    published_packages(&mut rows);
    fetched_packages(&mut rows);
    rpm(&mut rows);
    pushed_images(&mut rows);
    fetched_images(&mut rows);
    uploads(&mut rows);
    grants(&mut rows);
    people_and_settings(&mut rows);
    rows.0
}

fn repositories(rows: &mut Rows) {
    for (id, protocol) in [(NPM, "npm"), (PYPI, "pypi"), (CARGO, "cargo"), (RPM, "rpm")] {
        rows.repo(id, (protocol, "local"), "hosted", "{}");
    }
    rows.repo(IMAGES, ("oci", "team"), "hosted", "{}");
    let upstream = "{\"upstream\":{\"url\":\"https://up.example/\"}}";
    let hidden = "{\"upstream\":{\"url\":\"https://up.example/\",\"username\":\"larder\",\
        \"password\":\"sealed\"}}";
    rows.repo(NPM_MIRROR, ("npm", "proxy"), "mirror", upstream);
    rows.repo(PYPI_MIRROR, ("pypi", "proxy"), "mirror", "{}");
    rows.repo(PRIVATE_MIRROR, ("npm", "private"), "mirror", hidden);
    rows.repo(CLOSED_MIRROR, ("npm", "closed"), "mirror", upstream);
    rows.repo(LENT_MIRROR, ("npm", "lent"), "mirror", hidden);
    rows.repo(RPM_MIRROR, ("rpm", "proxy"), "mirror", upstream);
    rows.repo(IMAGE_MIRROR, ("oci", "hub"), "mirror", upstream);
    let members = "{\"members\":[\"local\",\"never-made\",\"proxy\"],\
        \"blocked\":[{\"package\":\"evil-*\",\"reason\":\"its \\\"members\\\":\"}]}";
    rows.repo(MAIN, ("npm", "main"), "group", members);
    rows.repo(EMPTY_GROUP, ("npm", "empty"), "group", "{}");
    let members = "{\"fresh_seconds\":5,\"members\":[\"lent\"]}";
    rows.repo(LENT_GROUP, ("npm", "lent-group"), "group", members);
    let members = "{\"members\":[\"local\"]}";
    rows.repo(RPM_GROUP, ("rpm", "main"), "group", members);
}

fn published_packages(rows: &mut Rows) {
    let widget = (NPM, "widget");
    rows.begin(NPM, "widget", "npm/local/widget");
    rows.published(widget, "-/widget-1.0.0.tgz", "1.0.0");
    rows.published(widget, "-/widget-2.0.0.tgz", "2.0.0");
    rows.gone(widget, "0.9.0");
    let tag = Said {
        by: "user:alice",
        version: "2.0.0",
        ..Said::default()
    };
    rows.file(widget, "tags/latest", "-/widget-2.0.0.tgz", tag);
    rows.made(widget, "index", "composed", 0);
    rows.made(
        widget,
        "forms/abbreviated@0123456789ab/index",
        "sha256:1#1",
        MADE,
    );
    rows.begin(NPM, "withdrawn", "npm/local/withdrawn");
    rows.gone((NPM, "withdrawn"), "1.0.0");
    rows.begin(PYPI, "demo", "pypi/local/demo");
    rows.published((PYPI, "demo"), "demo-1.0.tar.gz", "1.0");
    rows.gone((PYPI, "demo"), "demo-0.9.tar.gz");
    rows.begin(CARGO, "demo", "cargo/local/demo");
    rows.published((CARGO, "demo"), "crates/demo/1.0.0", "1.0.0");
    rows.gone((CARGO, "demo"), "0.9.0");
}

fn fetched_packages(rows: &mut Rows) {
    let pad = (NPM_MIRROR, "left-pad");
    rows.package(NPM_MIRROR, "left-pad", "npm/proxy/left-pad");
    rows.fetched(pad, "index", "two", "\"2\"");
    // What came back is a state of its own.
    rows.seen(pad, "index", &[("two", 0), ("one", 1), ("two", 2)]);
    rows.seen(pad, "index.asc", &[("lost", 1)]);
    let artifact = Said {
        content_type: "application/octet-stream",
        by: "upstream",
        version: "1.3.0",
        etag: "sha512:abc",
        checked_at: CHECKED,
        ..Said::default()
    };
    rows.file(pad, "-/left-pad-1.3.0.tgz", "left-pad", artifact);
    rows.made(pad, "forms/.gz/index", "sha256:2#1", MADE);
    // An upstream's entity tags are any text.
    rows.document((NPM_MIRROR, ""), "composed", "composed");
    rows.document((NPM_MIRROR, ""), "state", "state");
    rows.document((NPM_MIRROR, ""), "of", "of another");
    // So are the names that it chooses.
    rows.package(PYPI_MIRROR, "tricky", "pypi/proxy/tricky");
    for path in ["owned", "gone/1", "tags/1", "forms/1", "simple"] {
        rows.fetched((PYPI_MIRROR, "tricky"), path, path, "sha256:abc");
    }
    rows.document((PYPI_MIRROR, "tricky"), "forms/2", "\"2\"");
    // What a group made of a member's document.
    rows.made(
        (MAIN, "left-pad"),
        "forms/abbreviated/index",
        "sha256:2#1",
        MADE,
    );
}

fn rpm(rows: &mut Rows) {
    for path in ["repodata/primary.xml.gz", "Packages/tool-1-1.noarch.rpm"] {
        rows.fetched((RPM_MIRROR, ""), path, path, "sha256:abc");
    }
    rows.begin(RPM, "demo", "rpm/local/demo");
    rows.published((RPM, "demo"), "Packages/demo-1.rpm", "1-1");
    rows.gone((RPM, "demo"), "demo-0-1.noarch");
    let index = (RPM, "");
    rows.package(RPM, "", "rpm/local/");
    let address = Said {
        by: "user:alice",
        etag: "of demo",
        ..Said::default()
    };
    rows.file(index, "Packages/demo-1.rpm", "Packages/demo-1.rpm", address);
    let by = "user:alice";
    let given = Said {
        by,
        ..Said::default()
    };
    rows.file(index, "repodata/comps.xml", "given", given);
    rows.made(index, "repodata/repomd.xml", "composed", 0);
    rows.made(index, "repodata/repomd.xml.asc", "companion", 0);
    rows.made(index, "repodata/2-primary.xml.zst", "state", 0);
    rows.made(index, "repodata/1-primary.xml.zst", "state", RETIRED);
    for path in ["merged/1/repodata/repomd.xml", "merged/1/primary.xml.zst"] {
        rows.made((RPM_GROUP, ""), path, "state", 0);
    }
}

fn pushed_images(rows: &mut Rows) {
    let app = (IMAGES, "app");
    rows.package(IMAGES, "app", "oci/team/app");
    let blob = Said {
        content_type: "application/octet-stream",
        by: "user:alice",
        ..Said::default()
    };
    let manifest = Said {
        content_type: "application/manifest",
        facts: "{\"a\":1}",
        ..blob
    };
    let tag = Said {
        facts: "",
        ..manifest
    };
    rows.file(app, &format!("blobs/{}", digest("layer")), "layer", blob);
    rows.file(
        app,
        &format!("manifests/{}", digest("manifest")),
        "manifest",
        manifest,
    );
    for path in ["tags/latest", "tags/v1"] {
        rows.file(app, path, "manifest", tag);
    }
    for (child, kind) in [("layer", "blob"), ("subject", "subject")] {
        let (parent, child) = (digest("manifest").into(), digest(child).into());
        let values = [IMAGES.into(), "app".into(), parent, child, kind.into()];
        rows.0.run(EDGE, values);
    }
}

fn fetched_images(rows: &mut Rows) {
    let nginx = (IMAGE_MIRROR, "library/nginx");
    rows.package(IMAGE_MIRROR, "library/nginx", "oci/hub/library/nginx");
    rows.fetched(nginx, "tags/latest", "new", "\"2\"");
    rows.seen(nginx, "tags/latest", &[("old", 0), ("new", 1)]);
    // A tag's manifest is kept under its digest too.
    rows.fetched(nginx, &format!("manifests/{}", digest("new")), "new", "");
    for (folder, text) in [("manifests", "child"), ("blobs", "layer of nginx")] {
        let digest = digest(text).to_string();
        rows.fetched(nginx, &format!("{folder}/{digest}"), text, &digest);
    }
    rows.document(nginx, "lists/tags", "\"1\"");
    rows.document(nginx, &format!("referrers/{}?", digest("new")), "\"1\"");
}

fn uploads(rows: &mut Rows) {
    let state = Value::from(hash_state());
    for (id, algorithm, state, boot_id, finished) in [
        ("under-way", "sha256", state, "boot", 0_i64),
        ("ended", "sha256", Value::Null, "", 1),
    ] {
        let received = Value::from(12_i64 * (1 - finished));
        let (id, boot_id) = (id.into(), boot_id.into());
        let values = [
            id,
            IMAGES.into(),
            algorithm.into(),
            received,
            state,
            boot_id,
            MADE.into(),
            finished.into(),
        ];
        rows.0.run(UPLOAD, values);
    }
}

fn grants(rows: &mut Rows) {
    let (everyone, all) = (("anonymous", "reader"), "*");
    // Those that the server made.
    rows.grant(1, everyone, ("npm/proxy", all), "first start");
    rows.grant(2, everyone, ("pypi/proxy", all), "first start");
    rows.grant(3, everyone, ("npm/main", all), "first start");
    rows.grant(4, everyone, ("npm/empty", all), "first start");
    rows.grant(5, everyone, ("oci/hub", all), "user:alice");
    // Those that people made.
    rows.grant(11, everyone, ("npm/lent", all), "user:alice");
    rows.grant(12, everyone, ("npm/lent-group", all), "user:alice");
    rows.grant(13, everyone, ("oci/team", all), "user:alice");
    rows.grant(14, everyone, ("npm/proxy", "left-*"), "user:alice");
    rows.grant(15, everyone, ("npm/*", all), "user:alice");
    rows.grant(
        16,
        ("anonymous", "writer"),
        ("npm/proxy", all),
        "user:alice",
    );
    rows.grant(
        17,
        ("authenticated", "reader"),
        ("npm/proxy", all),
        "user:alice",
    );
}

fn people_and_settings(rows: &mut Rows) {
    for (id, name, kind, superuser) in [(1_i64, "alice", "person", 1_i64), (2, "ci", "robot", 0)] {
        let (name, kind) = (name.into(), kind.into());
        let values = [id.into(), name, kind, superuser.into(), MADE.into()];
        rows.0.run(USER, values);
    }
    rows.0.run(USER_GROUP, [MADE.into()]);
    rows.0.run(USER_MEMBER, [1_i64.into()]);
    for (id, kind) in [(1_i64, "access"), (2, "offline")] {
        let hash = format!("hash {id}").into();
        let values = [id.into(), 1_i64.into(), kind.into(), hash, MADE.into()];
        rows.0.run(TOKEN, values);
    }
    let server = "{\"offline\":true,\"oci\":{\"default_mirror\":\"hub\"}}";
    for (key, value) in [("rights.version", "77"), ("server", server)] {
        rows.0.run(SETTING, [key.into(), value.into()]);
    }
}
