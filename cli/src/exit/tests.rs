use super::*;

#[test]
fn refusals_have_their_codes() {
    for (status, code, exit) in [
        (400, "invalid", 2),
        (400, "repository_invalid", 2),
        (400, "digest_mismatch", 8),
        (400, "signature_invalid", 8),
        (401, "unauthenticated", 4),
        (403, "not_allowed", 4),
        (403, "current_password_wrong", 4),
        (403, "policy", 9),
        (403, "quota_exceeded", 9),
        (404, "not_found", 3),
        (404, "repository_not_found", 3),
        (405, "method_not_allowed", 1),
        (405, "unsupported", 1),
        (408, "timeout", 1),
        (409, "conflict", 6),
        (409, "last_superuser", 6),
        (410, "gone", 3),
        (412, "precondition_failed", 6),
        (413, "too_large", 2),
        (416, "range_invalid", 2),
        (422, "invalid", 2),
        (429, "too_many_requests", 1),
        (431, "header_too_large", 2),
        (500, "internal", 1),
        (502, "upstream_failed", 1),
        (503, "busy", 1),
        (503, "upstream_unreachable", 1),
        (503, "offline", 7),
        (507, "storage_full", 1),
        (507, "quota_exceeded", 9),
    ] {
        assert_eq!(
            Exit::of_refusal(status, code).code(),
            exit,
            "{status} {code}"
        );
    }
}

#[test]
fn the_numbers_never_change() {
    let all = [
        (Exit::Done, 0),
        (Exit::Failed, 1),
        (Exit::Usage, 2),
        (Exit::NotFound, 3),
        (Exit::NotAllowed, 4),
        (Exit::Partly, 5),
        (Exit::Conflict, 6),
        (Exit::Offline, 7),
        (Exit::Integrity, 8),
        (Exit::Policy, 9),
        (Exit::Interrupted, 130),
    ];
    for (exit, code) in all {
        assert_eq!(exit.code(), code, "{exit:?}");
    }
}

#[test]
fn steps_that_end_differently_end_partly() {
    use Exit::{Done, Failed, NotFound, Partly};
    for (steps, all) in [
        (&[][..], Done),
        (&[Done, Done], Done),
        (&[NotFound, NotFound], NotFound),
        (&[Done, Failed], Partly),
        (&[Failed, Done, Failed], Partly),
        (&[NotFound, Failed], Failed),
        (&[Partly, Done], Partly),
    ] {
        assert_eq!(Exit::of_steps(steps.iter().copied()), all, "{steps:?}");
    }
}
