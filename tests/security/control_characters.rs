//! Class 39: a text of a client steers the terminal, the log or the spreadsheet of whoever reads
//! it.
//!
//! Tables, NDJSON and CSV of the commands are in `tests/cli/shown.rs`, `cli/escape/tests.rs` and
//! `cli/table/tests.rs` (formulas of spreadsheets too). Here is the server's log.

use crate::callers::{api, encoded, start};
use larder_tests::{Client, Larder};
use serde_json::json;
use std::io::{Read as _, Write as _};

/// What colours and clears terminals, ends lines, and turns writing around.
const CORPUS: [&str; 12] = [
    "\u{1b}[2J\u{1b}[31mowned",
    "\u{1b}]0;title\u{7}",
    "\u{9b}31m",
    "\u{8}\u{8}\u{8}",
    "a\r\nlevel=INFO message=forged",
    "a\n{\"level\":\"INFO\",\"message\":\"forged\"}",
    "\u{202e}gpj.exe",
    "\u{2066}\u{2069}",
    "\u{200b}\u{feff}",
    "\u{2028}forged\u{2029}",
    "\u{85}forged",
    "\u{0}",
];

/// Whether a character steers what shows it.
fn steers(char: char) -> bool {
    let turns = matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{feff}');
    let isolates = matches!(char, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
    char.is_control() && char != '\n' || turns || isolates
}

/// Sends the texts in everything that is logged: paths, names, agents, ids, tokens' names.
fn send(larder: &Larder) {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let admin = larder.admin();
    for text in CORPUS {
        for path in [
            "/",
            "/v2/team/",
            "/npm/main/",
            "/api/v1/repositories/npm/",
            "/pypi/main/simple/",
        ] {
            admin.get(&format!("{path}{}", encoded(text)));
        }
        let shown = STANDARD.encode(format!("{text}:{text}"));
        for path in ["/v2/", "/api/v1/whoami"] {
            Client::with_authorization(larder.address(), &format!("Basic {shown}")).get(path);
        }
        api(&admin, "POST", "tokens", &json!({"name": text}));
        api(
            &admin,
            "POST",
            "users",
            &json!({"name": text, "password": text}),
        );
        api(
            &admin,
            "POST",
            "repositories",
            &json!({"protocol": "npm", "name": text, "kind": "hosted", "description": text}),
        );
        let mirror = json!({"protocol": "npm", "name": "m", "kind": "mirror", "description": text,
            "upstream": {"url": format!("http://127.0.0.1:9/{text}"), "allow_private": true}});
        api(&admin, "POST", "repositories", &mirror);
        api(
            &admin,
            "PATCH",
            "repositories/npm/local",
            &json!({"description": text}),
        );
        // Bytes as they are, in headers: what the server refuses, it may still tell of.
        for header in [
            "user-agent",
            "x-request-id",
            "authorization",
            "content-type",
        ] {
            let mut stream = admin.connect().expect("connection");
            let head = format!(
                "GET /v2/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}: {text}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).expect("request");
            // It may close at once.
            drop(stream.read_to_end(&mut Vec::new()));
        }
    }
}

#[test]
fn the_log_has_nothing_that_steers_whoever_reads_it() {
    for level in ["info", "trace"] {
        let mut larder = start().with("LARDER_LOG__LEVEL", level).start();
        send(&larder);
        larder.stop();
        let log = larder.log_text();
        assert!(log.lines().count() > CORPUS.len() * 5, "{log}");
        for line in log.lines() {
            let found = line.chars().find(|char| steers(*char));
            assert_eq!(found, None, "{line:?}");
            let parsed: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            assert_ne!(parsed["message"], "forged", "{line}");
        }
    }
}

/// What somebody sends is told back, and logged, in part.
#[test]
fn no_error_and_no_line_is_as_long_as_what_was_sent() {
    let larder = start().start();
    let admin = larder.admin();
    let key = "k".repeat(400_000);
    let doubled = format!("{{\"{key}\":1,\"{key}\":2}}");
    let headers = [("content-type", "application/json")];
    let manifest = [("content-type", "application/vnd.oci.image.manifest.v1+json")];
    for (method, path, headers) in [
        ("POST", "/api/v1/groups", headers),
        ("PUT", "/v2/team/app/manifests/v1", manifest),
        ("PUT", "/npm/local/demo", headers),
    ] {
        let refused = admin
            .send(method, path, &headers, doubled.as_bytes())
            .expect(400);
        assert!(
            refused.body.len() < 2000,
            "{path}: {} bytes",
            refused.body.len()
        );
    }
    let path = format!("/npm/main/{}", "p".repeat(20_000));
    let refused = admin.get(&path);
    assert!(
        refused.status >= 400 && refused.body.len() < 25_000,
        "{}",
        refused.status
    );
    larder.find_line("pppp");
    let longest = larder.log_text().lines().map(str::len).max();
    assert!(longest < Some(4000), "{longest:?}");
}
