use super::*;
use http::header::WWW_AUTHENTICATE;

fn problems() -> Vec<Problem> {
    let mut busy = Problem::new(Kind::TooMany, "credentials", "too many failed logins");
    busy.retry_after = Some(std::time::Duration::from_mins(1));
    vec![
        Problem::not_found("user", "no such user, or you may not see it"),
        Problem::not_found("name", "no such name here, or you may not see it"),
        Problem::invalid("expires_at", "`expires_at`: \"quoted\""),
        Problem::new(Kind::Denied, "access", "only a superuser may do this"),
        Problem::new(Kind::Denied, "current_password", "wrong"),
        Problem::new(
            Kind::Unauthenticated,
            "credentials",
            "wrong user name, password or token",
        ),
        Problem::new(Kind::Conflict, "user", "there is one"),
        Problem::new(Kind::Conflict, "last_superuser", "it is the last"),
        Problem::new(Kind::Conflict, "secret", "it was shown"),
        Problem::new(Kind::Conflict, "idempotency_key", "it runs"),
        Problem::new(Kind::Unprocessable, "idempotency_key", "another body"),
        Problem::new(Kind::Method, "method", "this path takes GET, HEAD"),
        Problem::new(Kind::TooLarge, "body", "too large"),
        busy,
        Problem::internal("secret internals"),
    ]
}

#[test]
fn problems_are_told_as_promised() {
    let mut told = String::new();
    for problem in &problems() {
        let reply = reply(problem);
        told.push_str(std::str::from_utf8(&reply.body).expect("text"));
        for name in [RETRY_AFTER, WWW_AUTHENTICATE] {
            if let Some(value) = reply.headers.get(&name) {
                told.extend([" ", name.as_str(), ": ", value.to_str().expect("text")]);
            }
        }
        told.push('\n');
    }
    assert_eq!(told, include_str!("../../testdata/problems.txt"));
}

#[test]
fn a_code_tells_its_status() {
    for problem in problems() {
        let code = code(&problem);
        assert_eq!(status(&code), problem.kind.status(), "{code}");
    }
    for kind in [
        Kind::Unprocessable,
        Kind::Precondition,
        Kind::HeaderTooLarge,
        Kind::Range,
        Kind::DigestMismatch,
        Kind::Policy,
        Kind::Unsupported,
        Kind::Upstream,
        Kind::Unreachable,
        Kind::Offline,
        Kind::Busy,
        Kind::Full,
        Kind::Timeout,
    ] {
        assert_eq!(status(word(kind)), kind.status(), "{kind:?}");
    }
}

#[test]
fn a_refusal_carries_its_problem() {
    let mut response = Refusal(Problem::internal("secret internals")).into_response();
    assert_eq!(response.status(), 500);
    let problem = of_response(&mut response).expect("problem");
    assert!(problem.with_causes().ends_with("secret internals"));
    assert!(of_response(&mut response).is_none());
}

#[test]
fn a_panic_is_our_failure() {
    let panic = std::panic::catch_unwind(|| panic!("of {}", "all things")).expect_err("panic");
    let mut response = of_panic(panic);
    let problem = of_response(&mut response).expect("problem");
    assert_eq!(
        (response.status().as_u16(), problem.kind),
        (500, Kind::Internal)
    );
    assert!(
        problem
            .with_causes()
            .ends_with("a call panicked: of all things")
    );
}
