use super::Git;
use crate::clients::connect;
use crate::connect::{Open, Target};
use crate::describing::Describing as _;
use crate::protocol::Protocol as _;
use larder_model::RepoKind;

const MIRROR: Target<'_> = Target {
    origin: "https://larder.example",
    protocol: super::NAME,
    repo: "up",
    kind: RepoKind::Mirror,
    open: Open::Wholly,
    authority: None,
    keys: None,
    default_mirror: false,
    upstream: Some("https://git.example/team"),
};

#[test]
fn the_upstreams_address_leads_to_its_mirror() {
    let parts = connect("git", &MIRROR).expect("a configuration");
    let [file, command] = &parts[..] else {
        panic!("{parts:?}")
    };
    assert_eq!(file.file.as_deref(), Some("~/.gitconfig"));
    assert_eq!(
        file.lines,
        [
            "[url \"https://larder.example/git/up/\"]",
            "\tinsteadOf = https://git.example/team/"
        ]
    );
    assert_eq!(
        command.lines,
        ["git ls-remote https://git.example/team/NAME"]
    );
}

#[test]
fn a_token_is_shown_to_this_server_alone() {
    let private = Target {
        open: Open::Closed,
        ..MIRROR
    };
    let parts = connect("git", &private).expect("a configuration");
    let text = format!("{parts:?}");
    assert!(
        text.contains("[credential \\\"https://larder.example\\\"]"),
        "{text}"
    );
    assert!(
        text.contains("https://token:$TOKEN@larder.example"),
        "{text}"
    );
    assert!(!text.contains("token:$TOKEN@git.example"), "{text}");
}

#[test]
fn refs_are_told_as_tags() {
    let state = r#"{"format":"sha1","head":"refs/heads/main","refs":{"refs/heads/main":"aa",
        "refs/tags/v1":"bb cc"},"packs":[]}"#;
    let document = Git.package_document("team/tool").expect("a document");
    let marks = Git.marks(&document, state.as_bytes()).expect("a state");
    let tags: Vec<_> = marks
        .tags
        .iter()
        .map(|(name, oid)| (&**name, &**oid))
        .collect();
    assert_eq!(tags, [("refs/heads/main", "aa"), ("refs/tags/v1", "bb")]);
}
