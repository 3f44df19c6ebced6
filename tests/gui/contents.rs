//! The pages of what is kept: images, packages, search. What they show is there, and their acts do
//! what they say; nobody sees or does more than by the API.

use larder_tests::pages::holds;
use larder_tests::parcel::publish;
use larder_tests::{Client, Image, Larder, Start};
use serde_json::json;

const LANGUAGES: [&str; 2] = ["en", "zh"];
/// What an image or a package could try to be in a page.
const HOSTILE: &str = "<script>alert(1)</script>";
const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

fn start() -> Larder {
    Start::of(env!("CARGO_BIN_EXE_larder")).start()
}

/// An image whose config says more than an image should.
fn image(version: &str) -> Image {
    let config = json!({
        "architecture": "amd64", "os": "linux", "author": HOSTILE,
        "config": {"Env": ["DB_PASSWORD=x", format!("VERSION={version}")], "Labels": {"a": HOSTILE}},
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [{"created_by": "COPY a b # buildkit"}, {"created_by": format!("RUN {version}")}],
    });
    let layers = vec![b"base".to_vec(), version.as_bytes().to_vec()];
    Image::of(config.to_string().into_bytes(), layers, &json!({}))
}

/// A page in a language, which has what all pages have.
#[track_caller]
fn page(client: &Client, path: &str, language: &str) -> String {
    let answer = client.send("GET", path, &[("accept-language", language)], b"");
    let html = answer.expect(200).text();
    assert_eq!(html.matches("<h1").count(), 1, "{path}");
    for part in ["<main id=\"main\"", "class=\"skip\"", "<title>"] {
        assert!(html.contains(part), "{path} has no {part}");
    }
    let outside = [
        "src=\"http",
        "href=\"http",
        "url(",
        " style=",
        "<style",
        " onclick=",
    ];
    for part in outside {
        assert!(!html.contains(part), "{path} has {part}");
    }
    assert!(!html.contains(HOSTILE), "{path} lets markup through");
    html
}

/// Sends a form; where one comes out.
#[track_caller]
fn post(client: &Client, path: &str, form: &str) -> String {
    let answer = client
        .send("POST", path, &FORM, form.as_bytes())
        .expect(303);
    answer.header("location").expect("a location").to_owned()
}

#[test]
fn images_are_shown_with_all_that_is_known_of_them() {
    let larder = start();
    let admin = larder.admin();
    let (one, two) = (image("1.0"), image("2.0"));
    one.push(&admin, "team/app/web", "1.0");
    two.push(&admin, "team/app/web", "2.0");
    let digest = one.digest.to_string();
    let hex = digest.strip_prefix("sha256:").expect("the usual algorithm");
    for language in LANGUAGES {
        let html = page(&admin, "/images", language);
        holds(
            &html,
            &["href=\"/images/team/app/web\"", "href=\"/images/team\""],
        );
        holds(
            &page(&admin, "/images/team", language),
            &["href=\"/images/team/app/web\""],
        );
        let html = page(&admin, "/images/team/app/web", language);
        let newest = format!("docker pull {}/team/app/web:2.0", larder.host());
        holds(
            &html,
            &[&newest, "href=\"/images/team/app/web/-/tags/1.0\"", &digest],
        );
        let html = page(&admin, "/images/team/app/web/-/tags/1.0", language);
        let by_digest = format!(
            "skopeo copy --src-tls-verify=false docker://{}/team/app/web@{digest}",
            larder.host()
        );
        holds(
            &html,
            &[&by_digest, "COPY a b<", "RUN 1.0", "DB_PASSWORD=x", &digest],
        );
        let path = format!("/images/team/app/web/-/digest/sha256/{hex}");
        holds(
            &page(&admin, &path, language),
            &["COPY a b<", "RUN 1.0", &digest],
        );
        let path = "/images/team/app/web/-/compare?one=1.0&two=2.0";
        let html = page(&admin, path, language);
        holds(&html, &["VERSION", "RUN 1.0", "RUN 2.0"]);
        assert!(
            !html.contains("DB_PASSWORD"),
            "what does not differ is not listed"
        );
    }
    // Of a layer there is no page: one comes to its image.
    let (layer, _) = &one.blobs[1];
    let hex = layer.to_string().replace("sha256:", "");
    let answer = admin.get(&format!("/images/team/app/web/-/digest/sha256/{hex}"));
    let to = answer.expect(303);
    let to = to.header("location").expect("a location").to_owned();
    assert!(to.starts_with("/images/team/app/web?layer=sha256"), "{to}");
    holds(&page(&admin, &to, "en"), &[&layer.to_string()]);
    admin.get("/images/team/app/web/-/tags/3.0").expect(404);
    admin.get("/images/team/nothing").expect(404);
    admin.get("/images/nothing").expect(404);
}

#[test]
fn tags_are_deleted_and_put_back() {
    let larder = start();
    let admin = larder.admin();
    for tag in ["1.0", "2.0", "3.0"] {
        image(tag).push(&admin, "team/web", tag);
    }
    let home = "/images/team/web";
    let tags = || {
        let html = page(&admin, home, "en");
        ["1.0", "2.0", "3.0"].map(|tag| html.contains(&format!("{home}/-/tags/{tag}\"")))
    };
    let html = page(
        &admin,
        &format!("{home}/-/delete?version=1.0&version=2.0"),
        "en",
    );
    holds(&html, &["value=\"1.0\"", "value=\"2.0\"", "Delete 2 tags"]);
    assert_eq!(tags(), [true; 3], "to ask changes nothing");
    let to = post(
        &admin,
        &format!("{home}/-/delete"),
        "version=1.0&version=2.0",
    );
    assert!(to.starts_with(&format!("{home}?deleted=2&undo=")), "{to}");
    assert_eq!(tags(), [false, false, true]);
    let html = page(&admin, &to, "en");
    let ids: Vec<_> = to
        .split("undo=")
        .skip(1)
        .map(|id| id.trim_end_matches('&'))
        .collect();
    let fields: Vec<_> = ids.iter().map(|id| format!("id={id}")).collect();
    for id in &ids {
        holds(&html, &[&format!("name=\"id\" value=\"{id}\"")]);
    }
    assert_eq!(
        post(&admin, &format!("{home}/-/restore"), &fields.join("&")),
        home
    );
    assert_eq!(tags(), [true; 3]);

    // Nothing selected is not everything.
    assert_eq!(post(&admin, &format!("{home}/-/delete"), ""), home);
    let answer = admin.get(&format!("{home}/-/delete")).expect(303);
    assert_eq!(answer.header("location"), Some(home));
    assert_eq!(tags(), [true; 3]);
    // What cannot be deleted is told of.
    let answer = admin.send(
        "POST",
        &format!("{home}/-/delete"),
        &FORM,
        b"version=9.9&version=3.0",
    );
    holds(&answer.expect(200).text(), &["no such version", "9.9"]);
    assert_eq!(tags(), [true, true, false]);
    let to = post(&admin, &format!("{home}/-/delete"), "all=on");
    assert!(to.starts_with("/images/team?deleted=1&undo="), "{to}");
    admin.get(home).expect(404);
}

#[test]
fn packages_are_shown_with_how_they_are_installed() {
    let larder = start();
    let admin = larder.admin();
    for (protocol, name) in [
        ("npm", "@acme/app"),
        ("cargo", "ledger"),
        ("pypi", "Acme_Tool"),
        ("composer", "acme/probe"),
    ] {
        for version in ["1.0.0", "1.1.0"] {
            publish(&admin, protocol, name, version, b"bytes").expect_ok();
        }
    }
    larder.api(
        "PATCH",
        "repositories/npm/main",
        &json!({"blocked": [{"package": "@acme/*", "reason": HOSTILE}]}).to_string(),
        200,
    );
    let url = larder.url();
    for language in LANGUAGES {
        let html = page(&admin, "/packages", language);
        let pages = [
            "href=\"/packages/npm/local/@acme/app\"",
            "href=\"/packages/cargo/local/ledger\"",
            "href=\"/packages/pypi/local/acme-tool\"",
            "href=\"/packages/composer/local/acme/probe\"",
        ];
        holds(&html, &pages);
        let html = page(&admin, "/packages/cargo", language);
        holds(&html, &pages[1..2]);
        assert!(!html.contains(pages[0]));
        let html = page(&admin, "/packages/cargo/main", language);
        holds(
            &html,
            &[
                "href=\"/packages/cargo/main/ledger\"",
                "href=\"/packages/cargo/local\"",
            ],
        );
        let html = page(&admin, "/packages?q=TOOL", language);
        holds(&html, &pages[2..3]);
        assert!(!html.contains(pages[1]));
        // From a group that blocks it, nothing is installed.
        let html = page(&admin, "/packages/npm/local/@acme/app", language);
        holds(
            &html,
            &[
                "npm/main",
                &format!("--registry={url}/npm/local/"),
                "&#60;script&#62;",
            ],
        );
        let html = page(&admin, "/packages/pypi/local/acme-tool/-/v/1.0.0", language);
        let line = format!("pip install --index-url {url}/pypi/main/simple/ acme-tool==1.0.0");
        holds(
            &html,
            &[&line, "acme_tool-1.0.0-py3-none-any.whl", "sha256:"],
        );
        page(&admin, "/packages/cargo/local/ledger", language);
        let path = "/packages/composer/local/acme/probe/-/v/1.0.0";
        holds(
            &page(&admin, path, language),
            &["composer require acme/probe:1.0.0", ".zip", "sha256:"],
        );
    }
    admin.get("/packages/gem").expect(404);
    admin.get("/packages/oci/team/web").expect(404);
}

#[test]
fn versions_are_yanked_with_a_reason_and_unyanked() {
    let larder = start();
    let admin = larder.admin();
    publish(&admin, "pypi", "tool", "1.0", b"bytes").expect_ok();
    let version = "/packages/pypi/local/tool/-/v/1.0";
    let yanked = || {
        let path = "repositories/pypi/local/packages/tool/versions/1.0";
        larder.api("GET", path, "", 200)["yanked"].clone()
    };
    let reason = "reason=breaks+%3Cb%3E&yanked=on";
    assert_eq!(post(&admin, &format!("{version}/yank"), reason), version);
    assert_eq!(yanked(), json!("breaks <b>"));
    holds(
        &page(&admin, version, "en"),
        &["breaks &#60;b&#62;", "Undo the yank"],
    );
    holds(
        &page(&admin, "/packages/pypi/local/tool", "en"),
        &["yanked</span>"],
    );
    assert_eq!(post(&admin, &format!("{version}/yank"), ""), version);
    assert_eq!(yanked(), json!(false));
}

#[test]
fn search_finds_what_the_one_who_asks_may_see() {
    let larder = start();
    let admin = larder.admin();
    image("1.0").push(&admin, "team/web", "1.0");
    publish(&admin, "npm", "webpack-ours", "1.0.0", b"bytes").expect_ok();
    for language in LANGUAGES {
        let html = page(&admin, "/search?q=web", language);
        let both = [
            "href=\"/images/team/web\"",
            "href=\"/packages/npm/local/webpack-ours\"",
        ];
        holds(&html, &both);
        let html = page(&admin, "/search?q=web&eco=npm&kind=package", language);
        holds(&html, &both[1..]);
        assert!(!html.contains(both[0]));
        page(&admin, "/search", language);
        let path = "/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E";
        holds(&page(&admin, path, language), &["&#60;script&#62;"]);
    }
    let suggested = admin.get("/search/suggest?q=we").expect(200).text();
    assert_eq!(
        suggested.matches("role=\"option\"").count(),
        2,
        "{suggested}"
    );
    assert_eq!(admin.get("/search/suggest?q=w").expect(200).text(), "");

    // Who may not read it finds nothing, and is asked who they are.
    let anyone = larder.anonymous();
    assert!(!page(&anyone, "/search?q=web", "en").contains("href=\"/images/team"));
    for path in [
        "/images/team",
        "/images/team/web",
        "/images/team/web/-/tags/1.0",
    ] {
        let answer = anyone.get(path).expect(303);
        let to = answer.header("location").expect("a location");
        assert!(to.starts_with("/login?next="), "{to}");
    }
    // A reader sees that deleting is for others.
    let reader = larder.make_user("reader");
    larder.grant("user:reader", "oci/team", "*", "reader");
    let html = page(&reader, "/images/team/web", "en");
    holds(
        &html,
        &[
            "<button class=\"danger\" disabled>",
            "needs the role maintainer in oci/team",
        ],
    );
    let answer = reader.send("POST", "/images/team/web/-/delete", &FORM, b"version=1.0");
    assert!(!matches!(answer.status, 303), "{}", answer.text());
    page(&admin, "/images/team/web/-/tags/1.0", "en");
}
