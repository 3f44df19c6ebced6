use super::*;
use crate::deb::publish::tests::stored;
use crate::deb::testing::{control, package};
use crate::index::{IndexDocument, Signer};
use crate::publishing::{PublishLimits, StoredFile};
use crate::testing::publish_request;
use http::Method;
use larder_model::{Algorithm, CacheLifetime, Digest, Timestamp};
use std::io::Cursor;

const NOW: Timestamp = Timestamp(1_795_939_262_000_000);

struct Stamp;

impl Signer for Stamp {
    fn sign(&self, bytes: &[u8]) -> Result<String, Problem> {
        Ok(format!("signed {}", bytes.len()))
    }

    fn sign_within(&self, text: &str) -> Result<String, Problem> {
        Ok(format!("signed within {text}"))
    }

    fn public_key(&self) -> &'static str {
        "key"
    }
}

fn publish(place: &str, name: &str, architecture: &str) -> Vec<StoredFile> {
    let body = package(
        &control(name, "1", architecture),
        &[(&format!("usr/{name}"), b"x")],
    );
    let path = format!("/pool/{place}/{name}_1_{architecture}.deb");
    let request = publish_request(&Deb, &Method::PUT, &path).expect("a place");
    let steps = request
        .action
        .steps(&mut Cursor::new(&body), &[], &PublishLimits::default());
    stored(steps.expect("steps"), &body)
}

fn compose(files: &[StoredFile], signer: Option<&dyn Signer>) -> Vec<IndexDocument> {
    let mut state = index::SuiteIndex
        .begin(files.len() as u64, NOW)
        .expect("state");
    for file in files {
        state.add(file).expect("package");
    }
    state.end(signer).expect("documents")
}

fn at<'a>(documents: &'a [IndexDocument], path: &str) -> &'a IndexDocument {
    let found = documents.iter().find(|it| it.path == path);
    found.unwrap_or_else(|| panic!("{path} is not made"))
}

#[test]
fn suites_are_made_of_what_is_published_in_them() {
    let files = [
        publish("stable/main", "one", "amd64"),
        publish("stable/main", "two", "all"),
        publish("stable/extra", "three", "arm64"),
        publish("testing/main", "two", "all"),
    ]
    .concat();
    let documents = compose(&files, Some(&Stamp));
    let text = |path: &str| String::from_utf8(at(&documents, path).bytes.clone()).expect("text");
    assert_eq!(text("suites.txt"), "stable\ntesting\n");
    assert_eq!(text("key.asc"), "key");
    let release = text("dists/stable/Release");
    assert!(text("dists/stable/InRelease").ends_with(&release));
    assert_eq!(
        text("dists/stable/Release.gpg"),
        format!("signed {}", release.len())
    );
    let list = Release::read(release.as_bytes()).expect("list");
    assert_eq!(list.field("Architectures"), Some("all amd64 arm64"));
    assert_eq!(list.field("Components"), Some("extra main"));
    assert_eq!(list.moment("Date"), Some(NOW));
    assert!(list.has_by_hash);
    // Each file that is named is there, by its name and by its digest. Of contents what clients have
    // once they unpack them is named, too.
    let is_unpacked = |path: &str| path.contains("/Contents-") && paths::ending(path) != "gz";
    for entry in list.entries.iter().filter(|it| !is_unpacked(&it.path)) {
        let path = format!("dists/stable/{}", entry.path);
        let plain = at(&documents, &path);
        assert_eq!(
            Digest::of(Algorithm::Sha256, &plain.bytes),
            entry.digest,
            "{path}"
        );
        assert_eq!(plain.lifetime, CacheLifetime::UntilChange);
        let own = at(
            &documents,
            &entry.member("dists/stable/", true).artifact.path,
        );
        assert_eq!(
            (&own.bytes, own.lifetime),
            (&plain.bytes, CacheLifetime::Longer)
        );
    }
    // What is for all architectures is in the list of each.
    let amd64 = text("dists/stable/main/binary-amd64/Packages");
    let names: Vec<&str> = amd64
        .lines()
        .filter(|it| it.starts_with("Package:"))
        .collect();
    assert_eq!(names, ["Package: one", "Package: two"]);
    assert!(text("dists/stable/main/binary-arm64/Packages").contains("Package: two"));
    assert!(text("dists/stable/extra/binary-amd64/Packages").is_empty());
    let listing = Listing::read(amd64.as_bytes()).expect("list");
    let fetch = listing.find("dists/stable/", "pool/stable/main/one_1_amd64.deb");
    let digest = larder_model::Integrity::Digest(files[0].digest);
    assert_eq!(fetch.expect("listed").integrity, digest);
    let mut contents = String::new();
    let packed = &at(&documents, "dists/stable/main/Contents-amd64.gz").bytes;
    std::io::Read::read_to_string(
        &mut crate::unpack::unpack(packed).expect("gz"),
        &mut contents,
    )
    .expect("text");
    assert_eq!(contents, "usr/one    tests/one\nusr/two    tests/two\n");
    let unpacked = list.entry("main/Contents-amd64").expect("it is named");
    let digest = Digest::of(Algorithm::Sha256, contents.as_bytes());
    assert_eq!(
        (unpacked.digest, unpacked.size),
        (digest, contents.len() as u64)
    );
}

#[test]
fn lists_have_source_packages_of_which_all_files_are_there() {
    let mut files = publish("stable/main", "one", "amd64");
    files.extend(publish("stable/extra", "one", "amd64"));
    let folder = "pool/stable/main/hello_2.10-3/";
    let named = [
        ("hello_2.10-3.dsc", testing::DSC.as_bytes()),
        ("hello_2.10.orig.tar.gz", b"x"),
        ("hello_2.10-3.debian.tar.xz", b"y"),
    ];
    for (name, body) in named {
        let documents = compose(&files, None);
        let sources = |it: &IndexDocument| it.path.contains("source");
        assert!(!documents.iter().any(sources), "before {name}");
        let path = format!("/pool/stable/main/{name}");
        let request = publish_request(&Deb, &Method::PUT, &path).expect("a place");
        let steps = request
            .action
            .steps(&mut Cursor::new(body), &files, &PublishLimits::default());
        files.extend(stored(steps.expect(name), body));
    }
    let documents = compose(&files, None);
    let text = |path: &str| String::from_utf8(at(&documents, path).bytes.clone()).expect("text");
    let list = text("dists/stable/main/source/Sources");
    let begin = "Package: hello\nFormat: 3.0 (quilt)\nBinary: hello\nArchitecture: any\n\
                 Version: 1:2.10-3\nMaintainer: A <a@registry.example>\n\
                 Build-Depends: debhelper (>= 13), gcc\nPackage-List:\n \
                 hello deb tests optional arch=any\n\
                 Directory: pool/stable/main/hello_2.10-3\nChecksums-Sha256:\n ";
    assert!(list.starts_with(begin) && list.ends_with("\n\n"), "{list}");
    assert_eq!(text("dists/stable/extra/source/Sources"), "");
    // What a mirror of this one reads in it.
    let listing = Listing::read(&at(&documents, "dists/stable/main/source/Sources.xz").bytes);
    let listing = listing.expect("list");
    for (name, body) in named {
        let fetch = listing.find("dists/stable/", &format!("{folder}{name}"));
        let fetch = fetch.unwrap_or_else(|| panic!("{name} is not listed"));
        let digest = Digest::of(Algorithm::Sha256, body);
        assert_eq!(fetch.integrity, larder_model::Integrity::Digest(digest));
    }
    let release = Release::read(text("dists/stable/Release").as_bytes()).expect("list");
    for packed in ["", ".gz", ".xz"] {
        let path = format!("main/source/Sources{packed}");
        let entry = release.entry(&path).expect("named");
        at(
            &documents,
            &entry.member("dists/stable/", true).artifact.path,
        );
    }
}

#[test]
fn without_a_key_nothing_says_that_it_is_signed() {
    let documents = compose(&publish("stable/main", "one", "amd64"), None);
    at(&documents, "dists/stable/Release");
    for path in [
        "dists/stable/InRelease",
        "dists/stable/Release.gpg",
        "key.asc",
    ] {
        assert!(!documents.iter().any(|it| it.path == path), "{path}");
    }
    assert_eq!(
        compose(&[], None).len(),
        1,
        "an empty repository has no suite"
    );
}

#[test]
fn a_list_belongs_to_the_one_with_its_signature() {
    let release = "Suite: x\nSHA256:\n";
    let signed = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{release}-----BEGIN PGP SIGNATURE-----\n\n\
         AA==\n-----END PGP SIGNATURE-----\n"
    );
    let document = |name: &str| Document::new("", format!("dists/x/{name}"));
    let fits =
        |name: &str, body: &str| Suites.fits(signed.as_bytes(), &document(name), body.as_bytes());
    assert!(fits("Release", release));
    assert!(fits("Release", release.trim_end()));
    assert!(!fits("Release", "Suite: y\nSHA256:\n"));
    assert!(fits("Release.gpg", "anything"));
    let (text, signature) = Suites.split_signed(signed.as_bytes()).expect("signed");
    assert_eq!(text, release);
    assert!(signature.starts_with("-----BEGIN PGP SIGNATURE-----"));
    assert_eq!(
        Suites.heads_of(&document("Release")),
        [document("InRelease"), document("Release")]
    );
    assert_eq!(Suites.heads_of(&document("InRelease")), []);
    for (name, body, fits) in [
        ("InRelease", &*signed, true),
        ("InRelease", release, false),
        ("Release", release, true),
        ("InRelease", "<html>log in</html>", false),
        ("Release", "<html>log in</html>", false),
        ("Release.gpg", "<html>log in</html>", false),
        ("Release.gpg", "-----BEGIN PGP SIGNATURE-----", true),
    ] {
        let checked = Deb.check(&document(name), body.as_bytes());
        assert_eq!(checked.is_ok(), fits, "{name}: {body}");
    }
}
