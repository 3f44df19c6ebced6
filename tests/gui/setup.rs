//! The first steps of a new server, and the settings of its repositories.

use larder_tests::archive::gunzip;
use larder_tests::pages::Pages;
use larder_tests::secure::{Authority, Certificate};
use larder_tests::{Larder, Start};
use serde_json::json;

fn larder() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
}

#[test]
fn a_new_server_is_set_up_by_pages() {
    let larder = larder();
    let admin = Pages::of(&larder, "admin");
    let front = admin.get("/").expect(200).text();
    assert!(
        front.contains("href=\"/setup\""),
        "the front page leads there"
    );
    for (language, title) in [("en", "First steps"), ("zh", "初始设置")] {
        let page = admin.get_in("/setup", language).expect(200).text();
        assert!(page.contains(&format!("<h1>{title}</h1>")), "{page}");
        assert!(page.contains("listen = &#34;0.0.0.0:7070&#34;"), "{page}");
    }
    // The mirror, first with an address that is none.
    let mirror = |url| {
        [
            ("protocol", "npm"),
            ("name", "up"),
            ("url", url),
            ("allow_private", "on"),
        ]
    };
    let refused = admin.post("/setup", "/setup/mirrors", &mirror("nowhere"));
    let refused = refused.expect(400).text();
    assert!(refused.contains("role=\"alert\""), "{refused}");
    assert!(
        refused.contains("value=\"nowhere\""),
        "what was typed stays"
    );
    admin
        .post("/setup", "/setup/mirrors", &mirror("http://127.0.0.1:9/"))
        .expect(303);
    let made = larder.api("GET", "repositories/npm/up", "", 200);
    assert_eq!(made["upstream"]["url"], "http://127.0.0.1:9/");
    assert_eq!(made["upstream"]["allow_private"], true);
    // The user, who may publish.
    let short = [("name", "mei"), ("password", "short"), ("may", "publish")];
    admin.post("/setup", "/setup/users", &short).expect(400);
    let user = [
        ("name", "mei"),
        ("password", "correct-horse-battery"),
        ("may", "publish"),
    ];
    admin.post("/setup", "/setup/users", &user).expect(303);
    let grants = larder.api("GET", "grants?subject=user:mei", "", 200);
    assert_eq!(grants["items"][0]["role"], "writer", "{grants}");
    assert_eq!(grants["items"][0]["repository"], "*", "{grants}");
    let page = admin.get("/setup").expect(200).text();
    assert!(page.contains("/access/users/mei") && page.contains("/upstreams/npm/up"));
    // Nobody else sets anything up.
    let mei = Pages::of(&larder, "mei");
    mei.get("/setup").expect(403);
    mei.get("/repositories/new").expect(403);
    let login = Pages::anonymous(&larder).get("/setup").expect(303);
    assert_eq!(login.header("location"), Some("/login?next=%2Fsetup"));
}

#[test]
fn repositories_are_made_set_and_deleted_by_pages() {
    let larder = larder();
    let admin = Pages::of(&larder, "admin");
    for kind in ["hosted", "mirror", "group"] {
        let page = admin.get(&format!("/repositories/new?kind={kind}"));
        let page = page.expect(200).text();
        assert!(page.contains(&format!("value=\"{kind}\"")), "{page}");
    }
    let new = "/repositories/new";
    let team = [
        ("kind", "hosted"),
        ("protocol", "oci"),
        ("name", "team"),
        ("description", "Web"),
    ];
    let made = admin.post(new, new, &team).expect(303);
    assert_eq!(made.header("location"), Some("/images/team"));
    let again = admin.post(new, new, &team).expect(400).text();
    assert!(again.contains("value=\"team\"") && again.contains("role=\"alert\""));
    let bad = [("kind", "hosted"), ("protocol", "oci"), ("name", "No Name")];
    admin.post(new, new, &bad).expect(400);
    let group = [
        ("kind", "group"),
        ("protocol", "npm"),
        ("name", "all"),
        ("members", "local\nup stream"),
    ];
    admin.post(new, new, &group).expect(400);
    let group = [
        ("kind", "group"),
        ("protocol", "npm"),
        ("name", "all"),
        ("members", "local, upstream"),
    ];
    admin.post(new, new, &group).expect(303);
    let made = larder.api("GET", "repositories/npm/all", "", 200);
    assert_eq!(made["members"], json!(["local", "upstream"]));
    // What is set.
    let settings = "/repositories/oci/team";
    let set = [
        ("description", "Images of the web team"),
        ("readers", "everyone"),
    ];
    admin.post(settings, settings, &set).expect(303);
    let repo = larder.api("GET", "repositories/oci/team", "", 200);
    assert_eq!(
        (&repo["description"], &repo["open"]),
        (&"Images of the web team".into(), &true.into())
    );
    // A password that is not typed stays; the address too.
    let mirror = "/repositories/npm/upstream";
    let url = ("url", "http://127.0.0.1:9/");
    let first = [
        url,
        ("username", "mei"),
        ("password", "s3cret-s3cret"),
        ("allow_private", "on"),
    ];
    admin.post(mirror, mirror, &first).expect(303);
    let then = [
        url,
        ("username", "mei"),
        ("password", ""),
        ("fresh", "60"),
        ("allow_private", "on"),
    ];
    admin.post(mirror, mirror, &then).expect(303);
    let repo = larder.api("GET", "repositories/npm/upstream", "", 200);
    assert_eq!(
        (&repo["upstream"]["has_password"], &repo["fresh_seconds"]),
        (&true.into(), &60.into())
    );
    assert!(!admin.get(mirror).expect(200).text().contains("s3cret"));
    a_certificate_stays_with_its_key(&larder, &admin, mirror);
    // Whoever does not administer it cannot set it, and sees no more than that.
    larder.make_user("bob");
    let bob = Pages::of(&larder, "bob");
    bob.get(settings).expect(403);
    bob.get("/repositories/oci/missing").expect(404);
    // Its end: the name must be typed.
    let delete = "/repositories/oci/team/delete";
    admin.post(delete, delete, &[("typed", "team")]).expect(400);
    larder.api("GET", "repositories/oci/team", "", 200);
    let gone = admin
        .post(delete, delete, &[("typed", "oci/team")])
        .expect(303);
    assert_eq!(gone.header("location"), Some("/images"));
    larder.api("GET", "repositories/oci/team", "", 404);
}

/// Where the logins of a registry are, and what becomes of what it takes away.
#[test]
fn a_mirrored_registry_is_set_by_pages() {
    let larder = larder();
    let admin = Pages::of(&larder, "admin");
    let url = ("url", "http://127.0.0.1:9/");
    let registry = "/repositories/oci/corp";
    let upstream = json!({"url": "http://127.0.0.1:9/", "allow_private": true});
    let made = json!({"protocol": "oci", "name": "corp", "kind": "mirror", "upstream": upstream});
    larder.api("POST", "repositories", &made.to_string(), 201);
    let logins = (
        "token_origins",
        "https://login.example\nhttps://other.example:8443",
    );
    let set = [
        url,
        ("allow_private", "on"),
        logins,
        ("serve_vanished", "on"),
    ];
    admin.post(registry, registry, &set).expect(303);
    let repo = larder.api("GET", "repositories/oci/corp", "", 200);
    let origins = json!(["https://login.example/", "https://other.example:8443/"]);
    assert_eq!(
        (&repo["upstream"]["token_origins"], &repo["serve_vanished"]),
        (&origins, &true.into())
    );
    let shown = admin.get(registry).expect(200).text();
    assert!(shown.contains("https://other.example:8443/"), "{shown}");
    admin.post(registry, registry, &set[..2]).expect(303);
    let repo = larder.api("GET", "repositories/oci/corp", "", 200);
    assert_eq!(
        (&repo["upstream"]["token_origins"], &repo["serve_vanished"]),
        (&origins, &false.into())
    );
}

#[test]
fn a_browser_is_told_what_an_address_is_for() {
    let larder = larder();
    let repo = r#"{"protocol":"oci","name":"hidden"}"#;
    larder.api("POST", "repositories", repo, 201);
    let (nobody, admin) = (Pages::anonymous(&larder), Pages::of(&larder, "admin"));
    for path in [
        "/v2/",
        "/v2",
        "/npm/main/",
        "/npm/main",
        "/cargo/main/",
        "/pypi/main/",
        "/rpm/main/",
        "/composer/main/",
    ] {
        for language in ["en", "zh"] {
            let page = nobody.get_in(path, language).expect(200).text();
            assert!(page.contains("href=\"/connect/"), "{path}: {page}");
        }
    }
    let page = nobody.get("/npm/main/").expect(200).text();
    assert!(
        page.contains("larder connect npm npm/main --write"),
        "{page}"
    );
    // What one may not read looks as what is not there; whoever may read it has its lines.
    larder.api("PATCH", "repositories/npm/local", r#"{"open":false}"#, 200);
    let local = nobody.get("/npm/local/").expect(200).text();
    assert_eq!(
        local.replace("local", "no"),
        nobody
            .get("/npm/no/")
            .expect(200)
            .text()
            .replace("local", "no")
    );
    assert!(!local.contains("npm/local --write"));
    assert!(
        admin
            .get("/npm/local/")
            .expect(200)
            .text()
            .contains("npm/local --write")
    );
    nobody.get("/nonsense/main/").expect(404);
    // Clients have what they had.
    larder.anonymous().get("/v2/").expect(401);
    larder.admin().get("/npm/main/-/ping").expect(200);
    let html = [("accept", "text/html")];
    let index = larder.admin();
    let index = index.send("GET", "/pypi/local/simple/", &html, b"");
    assert!(!index.text().contains("<main"), "an index is for clients");
}

#[test]
fn pages_are_packed_for_whoever_takes_that() {
    let larder = larder();
    let client = larder.admin();
    let plain = client.get("/images").expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    let takes = [("accept-encoding", "gzip, deflate, br, zstd")];
    let packed = client.send("GET", "/images", &takes, b"").expect(200);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let vary = packed.header("vary").expect("caches are told");
    assert!(vary.contains("accept-encoding"), "{vary}");
    let text = gunzip(&packed.body);
    assert!(
        text.contains("<main id=\"main\"") && text.trim_end().ends_with("</html>"),
        "{text}"
    );
    assert!(packed.body.len() * 3 < plain.body.len());
    let head = client.send("HEAD", "/images", &takes, b"").expect(200);
    assert_eq!(head.body, b"");
}

/// The form has the certificate, and never the key: what is not typed anew stays, what is emptied goes.
fn a_certificate_stays_with_its_key(larder: &Larder, admin: &Pages, mirror: &str) {
    let (certificate, key) = Authority::default().client(Certificate::Right);
    let typed = |certificate: &str, key: &str| {
        let fields = [
            ("url", "https://paid.example/"),
            ("client_certificate", certificate),
            ("client_key", key),
            ("ca_certificate", certificate),
        ];
        admin.post(mirror, mirror, &fields)
    };
    let shown = || {
        let repo = larder.api("GET", "repositories/npm/upstream", "", 200);
        repo["upstream"].get("client_certificate").cloned()
    };
    let refused = typed(&certificate, "").expect(400).text();
    assert!(refused.contains("client_key") && refused.contains("BEGIN CERTIFICATE"));
    typed(&certificate.replace('\n', "\r\n"), &key).expect(303);
    assert_eq!(shown(), Some(certificate.clone().into()));
    let page = admin.get(mirror).expect(200).text();
    assert!(page.contains("BEGIN CERTIFICATE") && !page.contains("PRIVATE KEY"));
    typed(&certificate, "").expect(303);
    assert_eq!(shown(), Some(certificate.into()));
    let page = admin.get("/upstreams/npm/upstream").expect(200).text();
    assert!(
        page.contains("Client certificate") && page.contains("4096"),
        "{page}"
    );
    typed("", "").expect(303);
    assert_eq!(shown(), None);
}
