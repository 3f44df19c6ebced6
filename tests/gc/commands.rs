//! The command line.

use crate::bed::{BINARY, LARGE, all_of, delete_manifest, larder, objects};
use larder_tests::random::Random;
use larder_tests::tools::command;
use larder_tests::{Image, Larder};
use serde_json::{Value, json};

/// Runs the program as the administrator: its exit code, its data, and what it says besides.
fn tell(larder: &Larder, token: &str, words: &[&str]) -> (Option<i32>, String, String) {
    let mut program = command(BINARY.as_ref(), larder.folder());
    program.args(words);
    program.args(["--server", larder.url(), "--token", token]);
    let ended = program.output().expect("larder");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (
        ended.status.code(),
        text(&ended.stdout),
        text(&ended.stderr),
    )
}

#[test]
fn a_person_collects() {
    let larder = larder();
    let token = larder.token_of("admin");
    let tell = |words: &[&str]| tell(&larder, &token, words);
    let image = Image::random(&mut Random::seeded(), &[LARGE]);
    image.push(&larder.admin(), "team/app", "v1");
    let layer = image.blobs[1].0.to_string();
    let (code, out, _) = tell(&["gc", "explain", &layer]);
    assert_eq!(code, Some(0));
    assert!(out.contains("oci/team") && out.contains("v1"), "{out}");
    delete_manifest(&larder.admin(), "team/app", &image);

    let (code, out, err) = tell(&["gc", "run", "--dry-run", "--grace", "0s"]);
    assert_eq!(code, Some(0), "{err}");
    let bytes: u64 = all_of(&image).iter().map(|(_, bytes)| bytes).sum();
    let told = format!("Dry run: 3 blobs would go, {bytes} bytes would be free.");
    assert!(
        err.contains(&told) && out.contains("succeeded"),
        "{out}{err}"
    );
    assert_eq!(objects(&larder).len(), 1);

    let (code, out, err) = tell(&["gc", "run", "--grace", "0s", "--json"]);
    let job: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (code, &job["result"]["deleted"]),
        (Some(0), &json!(3)),
        "{err}"
    );
    assert!(objects(&larder).is_empty());

    let (code, out, _) = tell(&["gc", "status", "--json"]);
    let status: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &status["last"]["id"]), (Some(0), &job["id"]));
    let (code, out, err) = tell(&["gc", "explain", &layer]);
    assert_eq!((code, &*out), (Some(3), ""), "{err}");
    assert!(err.contains("blob_not_found"), "{err}");
    for words in [
        &["gc", "run", "--grace", "soon"][..],
        &["gc", "explain", "latest"],
    ] {
        assert_eq!(tell(words).0, Some(2), "{words:?}");
    }
    let (code, out, err) = tell(&["gc", "run", "--no-wait", "-o", "name"]);
    assert_eq!(code, Some(0), "{err}");
    let id = out.trim();
    assert_eq!(tell(&["job", "watch", id]).0, Some(0));
}

#[test]
fn collection_is_for_superusers() {
    let larder = larder();
    larder.make_user("alice");
    let token = larder.token_of("alice");
    for words in [
        &["gc", "run"][..],
        &["gc", "status"],
        &["gc", "explain", "sha256:0"],
    ] {
        let (code, out, err) = tell(&larder, &token, words);
        assert_eq!((code, &*out), (Some(4), ""), "{words:?}: {err}");
    }
}
