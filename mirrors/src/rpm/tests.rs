use super::paths::MAX_ROOTS;
use super::*;
use crate::Integrity;
use crate::resource::{Fetch, ReadRequest, Representation};
use crate::testing::{REPO_URL, call, get};
use http::header::WWW_AUTHENTICATE;
use http::{Method, StatusCode};
use larder_model::{Algorithm, Digest, Kind};

mod beside;
mod lists;
mod snapshots;

const REPOMD: &[u8] = include_bytes!("testdata/repomd.xml");
pub(super) const GZIP: &[u8] = include_bytes!("testdata/primary.xml.gz");
const XZ: &[u8] = include_bytes!("testdata/primary.xml.xz");
const ZSTD: &[u8] = include_bytes!("testdata/primary.xml.zst");
const BZIP2: &[u8] = include_bytes!("testdata/primary.xml.bz2");
const PLAIN: &[u8] = include_bytes!("testdata/primary.xml");
const PRIMARY: &str =
    "repodata/c7bbd721431d71ea4e4f26c54f4cae1601e54c48b06fc6aeab0395578bfd78f3-primary.xml.gz";
const TINY: &str = "Packages/t/tiny-1.0~rc1^git2-1.noarch.rpm";
const LIBTINY: &str = "Packages/l/libtiny++-2.1-3.noarch.rpm";
const TINY_SUM: &str = "sha256:8d2b32b93b1f0650b7f4d4db05dea60be73ea65f9537ed8473a5cc7f39802cb1";

/// Goes the way of a plan with these answers, documents and lists as they are asked for.
fn plan(artifact: &Artifact, answers: &[Option<Bytes>]) -> Result<Plan, Problem> {
    let (mut known, mut tables): (Vec<Option<Bytes>>, Vec<Arc<dyn Table>>) =
        (Vec::new(), Vec::new());
    for answer in answers {
        match Rpm.plan(artifact, &known, &tables)? {
            Plan::Read(_) => known.push(answer.clone()),
            Plan::Consult(list, fetch) => {
                let absent = || Problem::new(Kind::DigestMismatch, "list", "none");
                let body = answer.as_deref().ok_or_else(absent)?;
                let mut checker = larder_model::Checker::new(&fetch.integrity);
                checker.update(body);
                if !checker.agrees() {
                    return Err(Problem::new(Kind::DigestMismatch, "list", "another"));
                }
                tables.push(PackageLists.read(&list, body)?);
            }
            Plan::Outline(_) => panic!("no document has an outline"),
            Plan::Kept(_) => panic!("each list is asked for"),
            Plan::Record(_) => panic!("there is no log"),
            fetch @ Plan::Fetch(_) => return Ok(fetch),
        }
    }
    match Rpm.plan(artifact, &known, &tables)? {
        Plan::Consult(list, _) => Ok(Plan::Read(Document::new("", list.path))),
        plan => Ok(plan),
    }
}

fn ask(path: &str) -> Result<ReadRequest, Problem> {
    get(&Rpm, &format!("{path}?countme=1"))
}

fn artifact(path: &str) -> Artifact {
    match ask(path).expect("path") {
        ReadRequest::Artifact(artifact) => artifact,
        other => panic!("{other:?}"),
    }
}

fn document(path: &str) -> (Document, Representation) {
    match ask(path).expect("path") {
        ReadRequest::Document(document, representation) => (document, representation),
        other => panic!("{other:?}"),
    }
}

/// The result of an earlier step; an empty body is a document that does not exist.
fn stored(body: &[u8]) -> Option<Bytes> {
    (!body.is_empty()).then(|| Bytes::copy_from_slice(body))
}

fn text(body: &[u8]) -> &str {
    str::from_utf8(body).expect("text")
}

/// A `repomd.xml` with one record of this kind.
fn repomd_with(kind: &str, location: &str, checksum: &str, list: &[u8]) -> Vec<u8> {
    let size = list.len();
    format!(
        "<repomd><data type=\"{kind}\"><checksum {checksum}</checksum>\
         <open-checksum type=\"sha256\">no</open-checksum>\
         <location {location}/><size>{size}</size><open-size>1</open-size></data></repomd>"
    )
    .into_bytes()
}

fn sum(algorithm: Algorithm, body: &[u8]) -> String {
    let digest = Digest::of(algorithm, body);
    format!("type=\"{}\">{}", algorithm.name(), digest.hex())
}

/// The plan for a package at the top of its repository, whose list is `list`.
fn plan_by(list: &[u8], path: &str) -> Result<Plan, Problem> {
    let repomd = repomd_with(
        "primary",
        "href=\"repodata/p\"",
        &sum(Algorithm::Sha256, list),
        list,
    );
    plan(&artifact(path), &[stored(&repomd), stored(list)])
}

fn fetched(plan: Result<Plan, Problem>) -> Fetch {
    match plan.expect("plan") {
        Plan::Fetch(fetch) => fetch,
        other => panic!("{other:?}"),
    }
}

/// A list with one package.
fn list_with(location: &str) -> Vec<u8> {
    let checksum = format!(
        "<checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>",
        &TINY_SUM[7..]
    );
    format!("<metadata><package>{checksum}<size package=\"7\"/><location {location}/></package></metadata>")
        .into_bytes()
}

#[test]
fn paths_are_documents_lists_or_packages() {
    for root in ["", "9/BaseOS/x86_64/os/", "repodata/of/"] {
        let (repomd, representation) = document(&format!("/{root}repodata/repomd.xml"));
        assert_eq!(
            (&*repomd.path, representation.content_type),
            (&*format!("{root}repodata/repomd.xml"), "text/xml")
        );
        assert!(
            !representation.compressible
                && !representation.has_absolute_urls
                && representation.name.is_empty()
        );
        assert_eq!(
            document(&format!("/{root}repodata/repomd.xml.asc"))
                .1
                .content_type,
            "text/plain"
        );
        assert_eq!(
            document(&format!("/{root}repodata/repomd.xml.key"))
                .1
                .content_type,
            "application/pgp-keys"
        );
        for file in [
            "repodata/primary.xml.gz",
            "repodata/00ff-comps.xml",
            "Packages/t/a.rpm",
            "drpms/a_b.drpm",
            "a.src.rpm",
        ] {
            assert_eq!(
                &*artifact(&format!("/{root}{file}")).path,
                format!("{root}{file}")
            );
        }
    }
    for (path, content_type) in [
        ("/RPM-GPG-KEY-example-1.2", "text/plain"),
        ("/9/os/.treeinfo", "text/plain"),
        ("/media.1/media", "text/plain"),
        ("/content", "text/plain"),
        ("/some.repo", "text/plain"),
        ("/images/boot.iso", "application/octet-stream"),
        ("/repodata", "text/plain"),
    ] {
        assert_eq!(document(path).1.content_type, content_type, "{path}");
    }
}

#[test]
fn unsupported_paths_are_not_found_or_refused() {
    for path in [
        "/",
        "/Packages/",
        "/repodata/",
        "/mirrorlist",
        "/9/os/metalink",
    ] {
        let problem = ask(path).expect_err("refused");
        assert_eq!(problem.kind, Kind::NotFound, "{path}");
    }
    assert!(
        ask("/mirrorlist")
            .expect_err("refused")
            .detail
            .contains("baseurl")
    );
    let posted = call(&Rpm, &Method::POST, "/a.rpm", None).err();
    assert_eq!(posted.expect("refused").kind, Kind::Unsupported);
    let refused = Rpm.refuse(
        &Problem::new(Kind::Unauthenticated, "access", "log in"),
        &REPO_URL,
    );
    assert_eq!(refused.headers[WWW_AUTHENTICATE], "Basic realm=\"larder\"");
    assert_eq!(
        (refused.status, &*refused.body),
        (StatusCode::UNAUTHORIZED, &b"log in\n"[..])
    );
    let refused = Rpm.refuse(&Problem::not_found("path", "no"), &REPO_URL);
    assert!(!refused.headers.contains_key(WWW_AUTHENTICATE));
}

#[test]
fn a_source_is_the_path_encoded() {
    for (path, url) in [
        ("/9/os/repodata/repomd.xml", "9/os/repodata/repomd.xml"),
        (
            "/a%20b/RPM-GPG-KEY-x+y~z%5E1",
            "a%20b/RPM-GPG-KEY-x+y~z%5E1",
        ),
        ("/1:2/some:key", "1%3A2/some:key"),
        ("/some:key", "some%3Akey"),
    ] {
        let Source::At { url: found, .. } = Rpm.source(&document(path).0, &[]).expect("source")
        else {
            panic!("not an address")
        };
        assert_eq!(found, url);
    }
}

#[test]
fn invalid_repomds_are_refused() {
    let good = text(REPOMD);
    let bad = [
        String::new(),
        "<html>log in</html>".into(),
        "<repomd/>".into(),
        "<repomd><data type=\"primary\"><location href=\"a\"/></data></repomd>".into(),
        "<repomd><data type=\"primary\"><checksum type=\"md5\">00</checksum></data></repomd>"
            .into(),
        good.replace("<repomd", "<metadata")
            .replace("</repomd", "</metadata"),
        good.replace("</repomd>", ""),
        good.replace("</repomd>", "</other>"),
        format!("{good}<repomd/>"),
        format!("{good}and more"),
        good.replacen("<size>710", "<size>-1", 1),
        good.replacen(
            "<checksum type=\"sha256\">c7",
            "<checksum type=\"sha256\">zz",
            1,
        ),
        good.replacen(
            "<checksum type=\"sha256\">",
            "<checksum type=\"sha512\">",
            1,
        ),
        good.replace("<repomd", "<!DOCTYPE repomd [<!ENTITY a \"b\">]><repomd"),
        good.replacen("<size>710", "<size>&a;", 1),
        good.replacen("href=\"repodata/", "href=\"&a;repodata/", 1),
        good.replace("<revision>", &"<a>".repeat(40)),
        good.replace("<revision>", &format!("<revision>{}", "1".repeat(2 << 20))),
        good.replacen("<size>710", &format!("<size>{}710", " ".repeat(9000)), 1),
        good.replacen("<data ", &format!("<data {} ", "a=\"\" ".repeat(70)), 1),
        good.replacen(
            "<revision>",
            &format!(
                "{}<revision>",
                "<data><location href=\"a\"/></data>".repeat(1024)
            ),
            1,
        ),
    ];
    for body in &bad {
        let problem = Rpm.check(&repomd_of(""), body.as_bytes()).expect_err(body);
        assert_eq!(problem.kind, Kind::Upstream, "{body}");
    }
    assert!(Rpm.check(&repomd_of(""), GZIP).is_err());
    let harmless =
        format!("\u{feff}{good}\n<!-- end -->\n").replacen("710", "&#55;1<![CDATA[0]]>", 1);
    Rpm.check(&repomd_of(""), harmless.as_bytes())
        .expect("a repomd.xml");
}

#[test]
fn other_documents_are_checked_by_their_kind() {
    let signature = document("/repodata/repomd.xml.asc").0;
    Rpm.check(&signature, b"-----BEGIN PGP SIGNATURE-----\n\n=x\n")
        .expect("a signature");
    assert!(
        Rpm.check(&signature, b"-----BEGIN PGP MESSAGE-----")
            .is_err()
    );
    let key = document("/repodata/repomd.xml.key").0;
    Rpm.check(&key, b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n")
        .expect("a key");
    assert!(Rpm.check(&key, b"").is_err());
    let file = document("/9/.treeinfo").0;
    Rpm.check(&file, b"[general]\n").expect("a file");
    Rpm.check(&Document::new("", PRIMARY), GZIP)
        .expect("a list");
    for page in [
        "<!DOCTYPE html><p>",
        "\u{feff}\n <HTML lang=\"en\">",
        "<html>",
    ] {
        assert!(Rpm.check(&file, page.as_bytes()).is_err(), "{page}");
    }
}

#[test]
fn a_package_is_checked_against_the_list() {
    for root in ["", "9/BaseOS/x86_64/os/"] {
        let package = artifact(&format!("/{root}{}", TINY.replace('^', "%5E")));
        let repomd = plan(&package, &[]).expect("plan");
        assert_eq!(
            repomd,
            Plan::Read(repomd_of(root)),
            "right above the directory of packages"
        );
        let list = plan(&package, &[stored(REPOMD)]).expect("plan");
        assert_eq!(
            list,
            Plan::Read(Document::new("", format!("{root}{PRIMARY}")))
        );
        let fetch = fetched(plan(&package, &[stored(REPOMD), stored(GZIP)]));
        assert_eq!(fetch.url, format!("{root}{}", TINY.replace('^', "%5E")));
        assert_eq!(
            (fetch.integrity, fetch.size),
            (
                Integrity::Digest(TINY_SUM.parse().expect("digest")),
                Some(5677)
            )
        );
        // A list with another checksum, or an absent one, is not used.
        let other = plan(&package, &[stored(REPOMD), stored(XZ)]).expect_err("another list");
        assert_eq!(other.kind, Kind::DigestMismatch);
        let absent = plan(&package, &[stored(REPOMD), None]).expect_err("no list");
        assert_eq!(absent.kind, Kind::DigestMismatch);
    }
}
