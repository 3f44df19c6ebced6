//! Deprecating and unpublishing, and the names of new packages.

use super::*;
use crate::testing::stored;
use larder_model::FileKind;

#[test]
fn only_deprecation_messages_of_a_packument_are_stored() {
    let mut repo = Repo::default();
    repo.publish("widget", "1.0.0").expect("published");
    repo.publish("widget", "1.1.0").expect("published");
    let before = repo.packument("widget");
    let mut sent = before.clone();
    sent["versions"]["1.0.0"]["deprecated"] = "use {sha256} \"1.1.0\"".into();
    sent["versions"]["1.0.0"]["scripts"] = json!({"install": "evil"});
    sent["versions"]["1.1.0"]["dist"]["integrity"] = "sha512-AAAA".into();
    sent["dist-tags"]["latest"] = "1.0.0".into();
    sent["_attachments"] = json!({});
    assert_eq!(
        repo.request(&Method::PUT, "/widget", sent.to_string().as_bytes())
            .expect("deprecated"),
        1
    );
    let after = repo.packument("widget");
    assert_ne!(after["_rev"], before["_rev"]);
    assert_eq!(
        after["versions"]["1.0.0"]["deprecated"],
        "use {sha256} \"1.1.0\""
    );
    let mut expected = before.clone();
    expected["versions"]["1.0.0"]["deprecated"] = after["versions"]["1.0.0"]["deprecated"].clone();
    expected["_rev"] = after["_rev"].clone();
    assert_eq!(after, expected);
    assert_eq!(
        repo.request(&Method::PUT, "/widget", sent.to_string().as_bytes())
            .expect("the same"),
        0
    );
    sent["versions"]["1.0.0"]["deprecated"] = "".into();
    assert_eq!(
        repo.request(&Method::PUT, "/widget", sent.to_string().as_bytes())
            .expect("taken back"),
        1
    );
    assert_eq!(repo.packument("widget"), before);
    let mut refuse = |edit: fn(&mut Value)| {
        let mut sent = before.clone();
        edit(&mut sent);
        repo.request(&Method::PUT, "/widget", sent.to_string().as_bytes())
            .expect_err("refused")
            .kind
    };
    assert_eq!(
        refuse(|sent| sent["versions"]["3.0.0"] = json!({"deprecated": "x"})),
        Kind::Invalid
    );
    assert_eq!(
        refuse(|sent| sent["versions"]["1.0.0"]["deprecated"] = json!([1])),
        Kind::Invalid
    );
    assert_eq!(
        refuse(|sent| sent["versions"]["1.0.0"]["deprecated"] = "x".repeat(9000).into()),
        Kind::TooLarge
    );
    assert_eq!(refuse(|sent| sent["name"] = "other".into()), Kind::Invalid);
    assert_eq!(
        refuse(|sent| drop(sent.as_object_mut().expect("object").remove("versions"))),
        Kind::Invalid
    );
}

#[test]
fn a_version_is_unpublished_with_the_requests_of_npm() {
    let mut repo = Repo::default();
    for version in ["1.0.0", "2.0.0-rc.1", "1.1.0"] {
        repo.publish("@acme/widget", version).expect("published");
    }
    repo.request(
        &Method::PUT,
        "/-/package/@acme%2fwidget/dist-tags/old",
        b"\"1.1.0\"",
    )
    .expect("a tag");
    let mut reduced = repo.packument("@acme/widget");
    reduced["versions"]
        .as_object_mut()
        .expect("versions")
        .remove("1.1.0");
    reduced["dist-tags"] = json!({});
    let put = |revision: &str| format!("/@acme%2fwidget/-rev/{revision}");
    let revision = repo.revision("@acme/widget");
    let body = reduced.to_string().into_bytes();
    assert_eq!(
        repo.request(&Method::PUT, &put("1-x"), &body)
            .expect_err("old")
            .kind,
        Kind::Conflict
    );
    assert_eq!(
        repo.request(&Method::PUT, &put(&revision), &body)
            .expect("reduced"),
        4
    );
    assert_eq!(
        repo.request(&Method::PUT, &put(&revision), &body)
            .expect("a retry"),
        0
    );
    let packument = repo.packument("@acme/widget");
    assert_eq!(
        packument["dist-tags"],
        json!({"latest": "1.0.0"}),
        "not the prerelease"
    );
    assert_eq!(repo.versions("@acme/widget"), ["1.0.0", "2.0.0-rc.1"]);
    let delete = |file: &str, revision: &str| format!("/@acme/widget/-/{file}/-rev/{revision}");
    let revision = repo.revision("@acme/widget");
    assert_eq!(
        repo.request(&Method::DELETE, &delete("widget-1.1.0.tgz", &revision), b"")
            .expect("gone"),
        0
    );
    let unknown = repo
        .request(&Method::DELETE, &delete("widget-9.9.9.tgz", &revision), b"")
        .expect_err("unknown");
    assert_eq!(unknown.kind, Kind::NotFound);
    let stale = repo
        .request(&Method::DELETE, &delete("widget-1.0.0.tgz", "1-x"), b"")
        .expect_err("old");
    assert_eq!(stale.kind, Kind::Conflict);
    assert_eq!(
        repo.request(&Method::DELETE, &delete("widget-1.0.0.tgz", &revision), b"")
            .expect("gone"),
        3
    );
    assert_eq!(
        repo.packument("@acme/widget")["dist-tags"],
        json!({"latest": "2.0.0-rc.1"})
    );
    let again = repo
        .publish("@acme/widget", "1.1.0")
        .expect_err("never again");
    assert_eq!(again.kind, Kind::Conflict);
}

#[test]
fn packages_have_no_owners() {
    let mut repo = Repo::default();
    repo.publish("@acme/widget", "1.0.0").expect("published");
    let body = b"{\"maintainers\":[]}";
    let problem = repo.request(&Method::PUT, "/@acme%2fwidget/-rev/1-x", body);
    assert_eq!(problem.expect_err("owners").kind, Kind::Unsupported);
}

#[test]
fn all_versions_are_unpublished_at_once() {
    let mut repo = Repo::default();
    repo.publish("widget", "1.0.0").expect("published");
    repo.publish("widget", "1.1.0").expect("published");
    let path = format!("/widget/-rev/{}", repo.revision("widget"));
    assert_eq!(
        repo.request(&Method::DELETE, "/widget/-rev/0", b"")
            .expect_err("old")
            .kind,
        Kind::Conflict
    );
    assert_eq!(repo.request(&Method::DELETE, &path, b"").expect("gone"), 5);
    assert_eq!(
        repo.request(&Method::DELETE, &path, b"")
            .expect("gone already"),
        0
    );
    assert_eq!(repo.body("widget"), None);
    let files: Vec<_> = repo
        .files
        .iter()
        .map(|file| (file.kind, &*file.path))
        .collect();
    let tombstone = FileKind::Tombstone;
    assert_eq!(files, [(tombstone, "1.0.0"), (tombstone, "1.1.0")]);
    assert_eq!(
        repo.publish("widget", "1.0.0")
            .expect_err("never again")
            .kind,
        Kind::Conflict
    );
    repo.publish("widget", "1.2.0").expect("a higher one");
    assert_eq!(repo.versions("widget"), ["1.2.0"]);
    assert_eq!(
        Repo::default()
            .request(&Method::DELETE, &path, b"")
            .expect_err("unknown")
            .kind,
        Kind::NotFound
    );
}

#[test]
fn names_and_versions_of_new_packages_follow_the_rules() {
    for name in [
        "Widget",
        "@Acme/widget",
        "_widget",
        "@_acme/widget",
        "@acme/_widget",
        "wid~get",
        "wid!get",
    ] {
        let path = format!("/{name}");
        let published =
            Repo::default().request(&Method::PUT, &path, &Sent::new(name, "1.0.0").body());
        assert_eq!(published.expect_err(name).kind, Kind::Invalid, "{name}");
    }
    for name in ["w", "@a/b", "wid.get_2-x", &"a".repeat(214)] {
        Repo::default().publish(name, "1.0.0").expect(name);
    }
    for version in [
        "1",
        "1.0",
        "v1.0.0",
        "1.0.0+build",
        "01.0.0",
        "1.0.0-",
        "x",
        "",
        "1.0.9007199254740992",
        "../../x",
    ] {
        assert_eq!(
            refused(&Sent::new("widget", version).body()).kind,
            Kind::Invalid,
            "{version}"
        );
    }
}

#[test]
fn only_published_packages_have_details() {
    let mut repo = Repo::default();
    let details = |repo: &Repo| Packages.details("widget", &repo.files);
    let absent = details(&repo).expect_err("absent");
    assert_eq!(absent.kind, Kind::NotFound);
    repo.publish("widget", "1.0.0").expect("published");
    let reply = details(&repo).expect("details");
    assert_eq!(&reply.body[..], br#"{"public":false}"#);
}

#[test]
fn a_packument_lists_thousands_of_versions() {
    let mut repo = Repo::default();
    repo.publish("widget", "1.0.0").expect("published");
    let first = repo
        .files
        .iter()
        .find(|file| file.path.starts_with("-/"))
        .expect("a tarball")
        .clone();
    for number in 1..3000 {
        let version = format!("1.0.{number}");
        repo.files.push(StoredFile {
            path: path_of("widget", &version).into(),
            version: version.into(),
            created_at: Timestamp(first.created_at.0 + number % 7),
            ..first.clone()
        });
    }
    let versions = repo.versions("widget");
    assert_eq!(versions.len(), 3000);
    let mut other = repo.clone();
    other.files.reverse();
    assert_eq!(other.revision("widget"), repo.revision("widget"));
}

#[test]
fn a_revision_stays_what_clients_and_packuments_have() {
    let of_kind = |kind, path: &str, version: &str| StoredFile {
        kind,
        ..stored(path, version, "")
    };
    let files = [
        of_kind(FileKind::Artifact, "-/widget-1.0.0.tgz", "1.0.0"),
        of_kind(FileKind::Tag, "latest", "1.0.0"),
        of_kind(FileKind::Tombstone, "0.9.0", ""),
    ];
    let published = PublishedPackage {
        package: "widget",
        files: &files,
    };
    assert_eq!(published.revision(), "3-491a8263e4f63a85bfc9695f8732e4dd");
}
