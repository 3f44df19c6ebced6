use super::*;
use serde_json::json;

fn policy() -> api::Retention {
    let policy = json!({
        "enabled": true,
        "rules": [
            {"packages": "app/*", "versions": "*", "keep": {"newest": 10, "pushed_within": "30d",
             "pulled_within": "14d", "matching": ["v*", "release-*"],
             "newest_per": {"of": "minor", "count": 1}}},
            {"packages": "*", "versions": "nightly-*", "keep": {}},
        ],
        "protect": ["latest", "stable"],
        "untagged_after": "7d",
        "unused_after": null,
        "max_bytes": 10_000_000_000_u64,
        "trash": "7d",
    });
    serde_json::from_value(policy).expect("a policy")
}

#[test]
fn a_form_brings_back_what_is_stored() {
    let stored = policy();
    let made = Draft::of_policy(&stored).policy().expect("a policy");
    assert_eq!(made.enabled, Some(true));
    assert_eq!(made.rules.as_ref(), Some(&stored.rules));
    assert_eq!(made.protect.as_ref(), Some(&stored.protect));
    assert_eq!(made.untagged_after, stored.untagged_after);
    assert_eq!(made.unused_after, None);
    assert_eq!(made.max_bytes, stored.max_bytes);
    assert_eq!(made.trash.as_deref(), Some("7d"));
}

#[test]
fn rules_are_added_and_removed() {
    let mut draft = Draft::of_policy(&policy());
    draft.add_rule();
    assert_eq!(draft.rules.len(), 3);
    draft.remove_rule("0");
    draft.remove_rule("9");
    draft.remove_rule("x");
    assert_eq!(draft.rules.len(), 2);
    assert_eq!(draft.rules[0].versions, "nightly-*");
    assert_eq!(draft.rules[1].newest, "10");
}

#[test]
fn what_is_wrong_is_said() {
    let mut draft = Draft::of_policy(&policy());
    draft.rules[0].newest = "many".to_owned();
    let problem = draft.policy().expect_err("no number");
    assert!(problem.detail.contains("`many`"), "{}", problem.detail);
}

#[test]
fn rules_are_told_in_words() {
    assert_eq!(
        words(Language::English, &policy()),
        [
            "Of app/* keep the newest 10, what was pushed in the last 30 days, what was pulled in the last \
             14 days, what matches v*, release-* and the highest 1 of each minor version; delete the rest.",
            "Of * nightly-* keep nothing.",
            "Delete untagged images after 7 days.",
            "Above 10 GB delete the least recently used.",
        ]
    );
}

#[test]
fn a_preview_shows_both_what_goes_and_what_stays() {
    let item = |action| {
        json!({"package": "app", "version": "1", "digest": null, "action": action, "reason": "r",
               "rule": 0, "bytes": 1})
    };
    let mut items: Vec<_> = (0..150).map(|_| item("delete")).collect();
    items.extend((0..50).map(|_| item("keep")));
    let told =
        json!({"id": "p-1", "items": items, "more": false, "keep": 50, "delete": 150, "bytes": 9});
    let preview = Preview::new(serde_json::from_value(told).expect("a preview"));
    assert_eq!((preview.preview.items.len(), preview.hidden), (150, 50));
}
