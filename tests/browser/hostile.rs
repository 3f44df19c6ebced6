//! What people, clients and upstreams send is text in a page and nothing else, wherever it stands.

use crate::payloads::{all, broken};
use crate::place::WHO;
use crate::weeks::{done, start};
use larder_tests::larder::PASSWORD;
use larder_tests::parcel::publish;
use larder_tests::{Browser, Client, Fault, Image, Larder, Response, Upstream};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
/// Where an address brings a text into a page.
const ASKED: [&str; 13] = [
    "/search?q=",
    "/search/?q=",
    "/images?q=",
    "/packages?q=",
    "/images/team?q=",
    "/images/team/app?q=",
    "/login?next=",
    "/audit?actor=",
    "/jobs?after=",
    "/cleanup?digest=",
    "/access/users?prefix=",
    "/access/can?action=read&repository=oci/team&subject=",
    "/images/team/app/-/compare?two=1.0&one=",
];
/// Pages that show texts from outside, as a browser reads them.
const LOOKED_AT: [&str; 8] = [
    "/images/team/app/-/tags/1.0",
    "/images/team",
    "/access/groups/dev",
    "/me/sessions",
    "/audit",
    "/packages/pypi/local/tool/-/v/1.0",
    "/policies/blocks",
    "/access/robots/ci",
];

pub(crate) fn encoded(text: &str) -> String {
    let bytes = text.bytes().map(|byte| format!("%{byte:02X}"));
    bytes.collect::<Vec<_>>().concat()
}

/// Fails unless a page has a text as text.
#[track_caller]
pub(crate) fn require_text(answer: &Response, place: &str, payload: &str) {
    assert!(
        answer.status < 500,
        "{place} with {payload}: {}",
        answer.status
    );
    if answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("text/html"))
    {
        assert_eq!(broken(&answer.text()), None, "{place} with {payload}");
    }
}

/// An image whose config, labels and annotations are all payloads.
fn image(payloads: &[String]) -> Image {
    let labels: BTreeMap<&str, &str> = payloads.iter().map(|text| (&**text, &**text)).collect();
    let steps: Vec<Value> = payloads
        .iter()
        .map(|text| json!({"created_by": text, "author": text}))
        .collect();
    let config = json!({
        "architecture": payloads[0], "os": payloads[3], "author": payloads[30],
        "config": {"Env": payloads, "Cmd": payloads, "Entrypoint": payloads, "User": payloads[4],
            "WorkingDir": payloads[6], "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": []}, "history": steps,
    });
    let extra = json!({"annotations": labels, "artifactType": "application/x.<b>"});
    Image::of(config.to_string().into_bytes(), vec![b"a".to_vec()], &extra)
}

/// What of the API has such a text, what that is called, the change, and the pages that show it.
type Kind<'a> = (&'a str, &'a str, &'a dyn Fn(&str) -> Value, &'a [&'a str]);

/// Texts that a page shows one at a time: put there by the API, looked at each.
fn each_in_turn(larder: &Larder, admin: &Client, payloads: &[String]) {
    let kinds: [Kind; 4] = [
        (
            "repositories/oci/team",
            "repository",
            &|text| json!({"description": text}),
            &["/images", "/images/team"],
        ),
        (
            "groups/dev",
            "group",
            &|text| json!({"description": text}),
            &["/access/groups", "/access/groups/dev"],
        ),
        (
            "robots/ci",
            "robot",
            &|text| json!({"description": text}),
            &["/access/robots", "/access/robots/ci"],
        ),
        (
            "repositories/npm/upstream",
            "block",
            &|text| json!({"blocked": [{"package": "left-pad", "reason": text.chars().take(190).collect::<String>()}]}),
            &["/policies/blocks"],
        ),
    ];
    let headers = [("content-type", "application/json")];
    for (path, kind, body, pages) in kinds {
        let mut taken = 0;
        for payload in payloads {
            let body = body(payload).to_string();
            let answer = admin.send(
                "PATCH",
                &format!("/api/v1/{path}"),
                &headers,
                body.as_bytes(),
            );
            if answer.status == 200 {
                taken += 1;
                for page in pages {
                    require_text(&admin.get(page).expect(200), page, payload);
                }
            } else {
                answer.expect(400);
            }
        }
        // What is refused is no text that people would write.
        assert!(taken > 200, "{kind}: {taken} of {}", payloads.len());
    }
    larder.api(
        "PATCH",
        "groups/dev",
        &json!({"description": payloads[3]}).to_string(),
        200,
    );
}

/// What forms bring back when it is refused, and names where any are legal.
fn forms(larder: &Larder, payloads: &[String]) {
    let admin = larder.admin();
    for payload in payloads {
        let text = encoded(payload);
        for (path, form) in [
            ("/access/users", format!("name={text}&password={text}")),
            ("/access/groups", format!("name={text}&description={text}")),
            ("/access/robots", format!("name={text}&owner={text}")),
            (
                "/access/grants",
                format!("subject={text}&repository={text}&role=reader&package={text}"),
            ),
            ("/me/tokens", format!("name={text}&repository={text}")),
            (
                "/me/profile",
                format!("current={text}&password={text}&again={text}"),
            ),
            (
                "/policies/retention/oci/team",
                format!("do=preview&packages={text}&newest={text}&protect={text}"),
            ),
            (
                "/login",
                format!("username={text}&password=wrong&next={text}"),
            ),
        ] {
            let answer = admin.send("POST", path, &[FORM], form.as_bytes());
            require_text(&answer, path, payload);
        }
    }
}

fn fill(larder: &Larder, payloads: &[String]) {
    let admin = larder.admin();
    image(payloads).push(&admin, "team/app", "1.0");
    larder.api("POST", "groups", r#"{"name":"dev"}"#, 201);
    larder.api(
        "POST",
        "robots",
        r#"{"name":"ci","owner":"user:admin"}"#,
        201,
    );
    let superuser = json!({"name": WHO, "password": PASSWORD, "superuser": true});
    larder.api("POST", "users", &superuser.to_string(), 201);
    done(&publish(&admin, "pypi", "tool", "1.0", b"bytes"));
    let version = "/packages/pypi/local/tool/-/v/1.0";
    for payload in payloads {
        let name: String = payload.chars().take(100).collect();
        let token = json!({"name": name}).to_string();
        let headers = [
            ("content-type", "application/json"),
            ("user-agent", &*ascii(payload)),
        ];
        let made = admin.send("POST", "/api/v1/tokens", &headers, token.as_bytes());
        assert!(
            matches!(made.status, 201 | 400),
            "{} {}",
            made.status,
            made.text()
        );
        let form = format!("yanked=on&reason={}", encoded(payload));
        let answer = admin.send("POST", &format!("{version}/yank"), &[FORM], form.as_bytes());
        require_text(&answer, "a yank", payload);
        require_text(&admin.get(version).expect(200), version, payload);
        // Paths and names that are refused are told of, in the audit trail too.
        admin.send(
            "GET",
            &format!("/v2/team/{}/tags/list", encoded(payload)),
            &headers,
            b"",
        );
    }
    // Sessions tell which browser it was.
    for payload in payloads.iter().step_by(10) {
        let form = format!("username={WHO}&password={PASSWORD}");
        let headers = [
            FORM,
            ("user-agent", &*ascii(payload)),
            ("sec-fetch-site", "same-origin"),
        ];
        larder
            .anonymous()
            .send("POST", "/login", &headers, form.as_bytes())
            .expect(303);
    }
}

/// What an upstream says of itself, and where it leads, comes into the page of its test.
fn upstreams(larder: &Larder, payloads: &[String]) {
    let (upstream, admin) = (Upstream::start(), larder.admin());
    let settings = json!({"upstream": {"url": upstream.url(), "allow_private": true}});
    larder.api(
        "PATCH",
        "repositories/npm/upstream",
        &settings.to_string(),
        200,
    );
    for payload in payloads.iter().step_by(3) {
        let text = ascii(payload);
        for fault in [
            Fault::Redirect(format!("/{text}")),
            Fault::Challenge(text.clone()),
        ] {
            upstream.fail_all(fault);
            let page = "/upstreams/npm/upstream/check";
            let answer = admin.send("POST", page, &[FORM], b"").expect(200);
            require_text(&answer, page, payload);
            admin.get(&format!("/npm/upstream/{}", encoded(&text)));
        }
    }
    for page in ["/upstreams", "/upstreams/npm/upstream", "/", "/audit"] {
        require_text(&admin.get(page).expect(200), page, "an upstream's words");
    }
}

/// As a header may have it.
pub(crate) fn ascii(text: &str) -> String {
    text.chars().filter(char::is_ascii).collect()
}

#[test]
fn texts_from_outside_stay_texts() {
    let larder = start();
    let payloads = all();
    fill(&larder, &payloads);
    let (admin, mei) = (larder.admin(), larder.user(WHO, PASSWORD));
    for page in [
        "/",
        "/images",
        "/images/team/app",
        "/images/team/app/-/tags/1.0",
        "/me/tokens",
        "/access/users/mei",
        "/audit",
        "/search?q=app",
        "/packages/pypi/local/tool",
    ] {
        require_text(&admin.get(page).expect(200), page, "all");
    }
    for page in ["/me/sessions", "/access/users/mei"] {
        require_text(&mei.get(page).expect(200), page, "all");
    }
    each_in_turn(&larder, &admin, &payloads);
    forms(&larder, &payloads);
    upstreams(&larder, &payloads);
    for payload in &payloads {
        for asked in ASKED {
            let answer = admin.get(&format!("{asked}{}", encoded(payload)));
            require_text(&answer, asked, payload);
        }
        for path in [
            "/images/",
            "/packages/npm/",
            "/upstreams/npm/",
            "/access/users/",
            "/jobs/",
            "/nothing/",
        ] {
            let answer = admin.get(&format!("{path}{}", encoded(payload)));
            require_text(&answer, path, payload);
        }
    }
    let mut pages: Vec<String> = LOOKED_AT.map(str::to_owned).to_vec();
    // Each kind once, each way out several times.
    for (at, payload) in payloads.iter().enumerate().step_by(11) {
        pages.push(format!("{}{}", ASKED[at % ASKED.len()], encoded(payload)));
    }
    in_a_browser(&larder, &pages);
}

/// The same as a browser reads it: nothing ran, no dialog is open, nothing was kept from running.
pub(crate) fn in_a_browser(larder: &Larder, pages: &[String]) {
    let Some(browser) = Browser::start() else {
        return;
    };
    let window = browser.open(true);
    window.go(&format!("{}/login", larder.url()));
    window.fill("input[name=username]", WHO);
    window.fill("input[name=password]", PASSWORD);
    window.follow("main button");
    for page in pages {
        window.go(&format!("{}{page}", larder.url()));
        assert!(!window.has_dialog(), "{page} opens a dialog");
        let hit = window.run("return window.__hit ?? null");
        assert_eq!(hit, Value::Null, "{page} runs a text");
        assert_eq!(window.count("main"), 1, "{page}");
        let refused = window.complaints();
        let refused: Vec<_> = refused
            .iter()
            .filter(|line| !line.contains("Failed to load resource"))
            .collect();
        assert!(refused.is_empty(), "{page}: {refused:?}");
    }
}
