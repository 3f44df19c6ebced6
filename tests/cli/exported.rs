//! What an export leaves out, and what it makes of a server that lacks something.

use crate::bed::{Home, larder};
use serde_json::json;

fn house() -> (larder_tests::Larder, Home) {
    let larder = larder();
    let admin = Home::of(&larder, "admin");
    (larder, admin)
}

#[test]
fn a_group_whose_member_was_deleted_by_force_is_as_the_file_says() {
    let (larder, admin) = house();
    for body in [
        json!({"protocol": "npm", "name": "solo", "kind": "hosted"}),
        json!({"protocol": "npm", "name": "both", "kind": "group", "members": ["solo", "local"]}),
    ] {
        larder.api("POST", "repositories", &body.to_string(), 201);
    }
    larder.api("DELETE", "repositories/npm/solo?force=true", "", 204);
    let export = admin.run("export").ends(0).out;
    assert!(export.contains("\"solo\""), "{export}");
    let ran = admin.types(&["apply", "-f", "-"], &export).ends(0);
    assert!(ran.err.contains("nothing to do"), "{ran:?}");
    // It is no member of any other group.
    let other = export.replace("members = [\"local\"", "members = [\"solo\", \"local\"");
    assert_ne!(other, export);
    let ran = admin.types(&["apply", "-f", "-"], &other).ends(6);
    assert!(ran.err.contains("cannot have the member solo"), "{ran:?}");
}

#[test]
fn shared_quotas_are_told_beside_the_file() {
    let (larder, admin) = house();
    let told = |admin: &Home| admin.run("export").ends(0).err.contains("shared quotas");
    assert!(!told(&admin));
    let quota = json!({"repositories": "oci/*", "bytes": 10_000_000});
    larder.api("POST", "quotas", &quota.to_string(), 201);
    assert!(told(&admin));
    // A pattern that no repository can have would limit nothing.
    for nothing in ["team", "oci/team/app", "npm/"] {
        let quota = json!({"repositories": nothing, "bytes": 1});
        larder.api("POST", "quotas", &quota.to_string(), 400);
    }
}

#[test]
fn runs_need_no_body() {
    let (larder, _admin) = house();
    for runs in ["scrub/runs", "gc/runs", "backup/runs"] {
        larder.api("POST", runs, "", 202);
    }
}
