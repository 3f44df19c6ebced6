//! Class 25: a list, a search, an error or a metric names what its reader may not see.
//!
//! All lists and searches of the API are held to a model in `web/src/tests/proofs/lists.rs`; groups
//! are in `tests/packages/groups.rs`. Here every place of every protocol that names packages is
//! read by those who may see one of two, and none names the other.

use crate::callers::{bearer, larder, token};
use larder_tests::image::{MANIFEST, put_manifest};
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::publish;
use larder_tests::random::Random;
use larder_tests::{Client, Image, Larder};
use serde_json::json;

/// What begins the names that may be seen, and those that may not.
const VISIBLE: &str = "visible";
const HIDDEN: &str = "hiddenname";

/// A server with packages and images of both names in the same repositories, and in others that
/// may not be seen at all.
fn house() -> (Larder, Vec<Client>) {
    let larder = larder();
    larder.close_everything();
    let admin = larder.admin();
    for name in [VISIBLE, HIDDEN] {
        for protocol in ["npm", "cargo", "pypi", "go", "composer", "deb"] {
            let published = publish(&admin, protocol, &format!("{name}-demo"), "1.0.0", b"x");
            assert!(
                matches!(published.status, 200 | 201),
                "{}",
                published.text()
            );
        }
        let image = Image::random(&mut Random::seeded(), &[10]);
        image.push(&admin, &format!("team/{name}-app"), "latest");
        image.push(&admin, &format!("{name}-team/app"), "latest");
        // What refers to an image of either name.
        let about = json!({"subject": {"mediaType": MANIFEST, "size": image.manifest.len(),
            "digest": image.digest.to_string()}, "artifactType": format!("application/{name}")});
        let signature = Image::of(b"{}".to_vec(), vec![name.into()], &about);
        signature.push(&admin, &format!("team/{name}-app"), &format!("{name}-sig"));
    }
    let reader = larder.make_user("reader");
    for repository in [
        "npm/*",
        "cargo/*",
        "pypi/*",
        "go/*",
        "deb/*",
        "oci/team",
        "oci/visible-team",
    ] {
        larder.grant("user:reader", repository, "visible*", "admin");
    }
    larder.grant("user:reader", "composer/*", "acme/visible*", "admin");
    larder.grant("user:reader", "oci/visible-team", "*", "reader");
    larder.make_user("nobody-much");
    let owner = larder.make_user("owner");
    larder.grant("user:owner", "*", "*", "admin");
    let limit = |it| json!({"repository": it, "package": "visible*", "role": "admin"});
    let limits = ["npm/*", "cargo/*", "pypi/*", "go/*", "deb/*", "oci/team"].map(limit);
    let limits = json!({"name": "l", "grants": limits});
    let (_, limited) = token(&owner, "", &limits);
    let short =
        reader.get("/v2/token?scope=registry:catalog:*&scope=repository:team/visible-app:pull");
    let short = short.json()["token"].as_str().expect("token").to_owned();
    let clients = vec![
        larder.anonymous(),
        larder.user("nobody-much", PASSWORD),
        reader,
        bearer(&larder, &limited),
        bearer(&larder, &short),
    ];
    (larder, clients)
}

/// Places that name packages: lists, searches, documents of what may be seen, and errors.
const PLACES: [&str; 58] = [
    "/v2/_catalog",
    "/v2/_catalog?n=1",
    "/v2/_catalog?last=team/a",
    "/v2/team/visible-app/tags/list",
    "/v2/team/visible-app/tags/list?n=1",
    "/v2/team/visible-app/referrers/{digest}",
    "/v2/token?scope=repository:team/h:*&scope=registry:catalog:*",
    "/npm/main/-/v1/search?text=demo",
    "/npm/main/-/v1/search?text=h",
    "/npm/local/-/v1/search?text=",
    "/npm/main/visible-demo",
    "/npm/main/-/package/visible-demo/dist-tags",
    "/npm/main/-/package/visible-demo/visibility",
    "/npm/main/none-such",
    "/npm/main/-/npm/v1/tokens",
    "/cargo/main/api/v1/crates?q=demo",
    "/cargo/local/api/v1/crates?q=h",
    "/cargo/main/config.json",
    "/cargo/main/vi/si/visible-demo",
    "/cargo/main/no/ne/none-such",
    "/pypi/main/simple/",
    "/pypi/local/simple/",
    "/pypi/main/simple/visible-demo/",
    "/pypi/main/simple/none-such/",
    "/go/main/visible-demo.example/@v/list",
    "/go/main/none-such.example/@latest",
    "/rpm/main/repodata/repomd.xml",
    "/deb/main/dists/stable/InRelease",
    "/deb/main/dists/stable/main/binary-all/Packages",
    "/deb/local/dists/stable/main/Contents-all.gz",
    "/deb/local/pool/stable/main/visible-demo_1.0.0_all.deb",
    "/deb/main/pool/stable/main/none-such_1.0.0_all.deb",
    "/composer/main/packages.json",
    "/composer/main/p2/acme/visible-demo.json",
    "/composer/main/p2/acme/none-such.json",
    "/composer/main/search.json?q=demo",
    "/composer/local/search.json?q=h",
    "/composer/main/list.json",
    "/api/v1/repositories",
    "/api/v1/repositories?limit=1",
    "/api/v1/repositories/npm/main",
    "/api/v1/repositories/npm/main/packages",
    "/api/v1/repositories/npm/main/packages?q=hidden",
    "/api/v1/repositories/cargo/local/packages?limit=1",
    "/api/v1/repositories/pypi/main/packages",
    "/api/v1/repositories/go/main/packages",
    "/api/v1/repositories/oci/team/packages",
    "/api/v1/repositories/oci/team/packages?after=a",
    "/api/v1/repositories/oci/team/packages/visible-app/versions",
    "/api/v1/search?q=h",
    "/api/v1/search?q=demo",
    "/api/v1/search?q=latest",
    "/api/v1/search?q=sha256:",
    "/api/v1/search?q=1.0",
    "/api/v1/upstreams",
    "/api/v1/grants",
    "/api/v1/audit",
    "/metrics",
];

#[test]
fn no_place_names_what_its_reader_may_not_see() {
    let (larder, clients) = house();
    let manifest = larder.admin().get("/v2/team/visible-app/manifests/latest");
    let digest = manifest
        .header("docker-content-digest")
        .expect("digest")
        .to_owned();
    let ask = |client: &Client, place: &str| {
        let answer = client.get(&place.replace("{digest}", &digest));
        let headers: Vec<String> = answer
            .headers
            .iter()
            .map(|(_, value)| value.clone())
            .collect();
        assert!(answer.status < 500, "{place}: {}", answer.text());
        format!("{} {}", headers.join(" "), answer.text()).to_lowercase()
    };
    let (mut shown, mut named) = (0, 0);
    for place in PLACES {
        // What nobody may see here but an administrator.
        named += usize::from(ask(&larder.admin(), place).contains(HIDDEN));
        for client in &clients {
            let answer = ask(client, place);
            shown += usize::from(answer.contains(VISIBLE));
            // A search says again what was sought.
            let answer = answer.replace("?q=hidden", "");
            assert!(!answer.contains(HIDDEN), "{place} by {client:?}: {answer}");
        }
    }
    assert!(shown > 30 && named >= 10, "{shown} {named}");
}

#[test]
fn errors_of_hidden_names_are_those_of_missing_ones() {
    let (_larder, clients) = house();
    for client in &clients {
        for (hidden, missing) in [
            ("/npm/main/hiddenname-demo", "/npm/main/absentname-demo"),
            (
                "/npm/main/hiddenname-demo/1.0.0",
                "/npm/main/absentname-demo/1.0.0",
            ),
            (
                "/cargo/main/hi/dd/hiddenname-demo",
                "/cargo/main/ab/se/absentname-demo",
            ),
            (
                "/cargo/main/api/v1/crates/hiddenname-demo/1.0.0/download",
                "/cargo/main/api/v1/crates/absentname-demo/1.0.0/download",
            ),
            (
                "/pypi/main/simple/hiddenname-demo/",
                "/pypi/main/simple/absentname-demo/",
            ),
            (
                "/v2/team/hiddenname-app/tags/list",
                "/v2/team/absentname-app/tags/list",
            ),
            (
                "/v2/hiddenname-team/app/tags/list",
                "/v2/absentname-team/app/tags/list",
            ),
        ] {
            let seen = |path: &str| {
                let answer = client.get(path);
                let own =
                    |(name, _): &&(String, String)| !["date", "x-request-id"].contains(&&**name);
                let headers: Vec<_> = answer.headers.iter().filter(own).cloned().collect();
                let all = format!("{} {headers:?} {}", answer.status, answer.text());
                all.replace("absentname", "hiddenname")
                    .replace("/ab/se/", "/hi/dd/")
            };
            assert_eq!(seen(hidden), seen(missing), "{client:?}");
        }
    }
}

#[test]
fn an_image_of_another_name_is_pushed_beside_a_hidden_one() {
    // Who may write a name is told nothing of its neighbours by a conflict.
    let (larder, _) = house();
    let reader = larder.user("reader", PASSWORD);
    let empty = put_manifest(&reader, "team/hiddenname-app", "latest", MANIFEST, b"{}");
    let absent = put_manifest(&reader, "team/absentname-app", "latest", MANIFEST, b"{}");
    assert_eq!(empty.status, 403);
    assert_eq!(
        empty.text().replace("hiddenname", "absentname"),
        absent.text()
    );
}

/// A mount without its source finds what the caller may read, and nothing else.
#[test]
fn a_mount_tells_nothing_of_hidden_images() {
    let larder = larder();
    let image = Image::random(&mut Random::seeded(), &[100_000]);
    image.push(&larder.admin(), "secret/app", "latest");
    image.push(&larder.admin(), "team/app", "latest");
    let layer = image.blobs[1].0.to_string();
    let nowhere = format!("sha256:{}", "0".repeat(64));
    let bob = larder.make_user("bob");
    larder.grant("user:bob", "oci/mine", "*", "writer");
    let mount = |digest: &str, from: &str| {
        let path = format!("/v2/mine/app/blobs/uploads/?mount={digest}{from}");
        let answer = bob.send("POST", &path, &[], b"");
        let told = |name: &str| {
            answer
                .header(name)
                .map(|value| value.split('?').next().map(str::len))
        };
        (
            answer.status,
            told("location"),
            told("docker-content-digest"),
            answer.body.len(),
        )
    };
    for from in ["", "&from=secret/app", "&from=team/app"] {
        let hidden = mount(&layer, from);
        assert_eq!(hidden.0, 202, "{from}");
        assert_eq!(hidden, mount(&nowhere, from), "{from}");
    }
    larder.grant("user:bob", "oci/team", "*", "reader");
    assert_eq!(mount(&layer, "").0, 201, "it is there to be read");
}
