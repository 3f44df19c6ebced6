use super::*;

#[test]
fn secrets_are_hidden() {
    let secret = Secret::token().expect("random");
    let path = format!("/npm/main/-/user/token/{}/x", secret.expose());
    assert_eq!(hidden(&path), "/npm/main/-/user/token/lrd_…/x");
    assert_eq!(hidden("/npm/main/left-pad"), "/npm/main/left-pad");
    assert_eq!(hidden("lrd_a.lrd_b"), "lrd_….lrd_…");
}
