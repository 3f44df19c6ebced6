use super::Beginning;
use http::Request;
use http::header::AUTHORIZATION;
use std::pin::pin;
use std::task::{Context, Waker};

/// Whether a request goes on at once.
fn goes_on(beginning: &Beginning, path: &str, credentials: bool) -> bool {
    let mut request = Request::get(path);
    if credentials {
        request = request.header(AUTHORIZATION, "Basic YWRtaW46cHc=");
    }
    let (parts, ()) = request.body(()).expect("request").into_parts();
    let standing = pin!(beginning.stand_before(&parts));
    standing
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

#[test]
fn credentials_are_looked_at_when_the_first_user_is_there() {
    let beginning = Beginning::default();
    for path in ["/healthz", "/readyz", "/metrics", "/v2/"] {
        assert!(goes_on(&beginning, path, false), "{path}");
        assert!(!goes_on(&beginning, path, true), "{path}");
    }
    for path in ["/npm/upstream/demo", "/api/v1/repositories", "/"] {
        assert!(!goes_on(&beginning, path, false), "{path}");
    }
    beginning.0.set(()).expect("the first time");
    for path in ["/readyz", "/v2/", "/npm/upstream/demo"] {
        assert!(goes_on(&beginning, path, false) && goes_on(&beginning, path, true));
    }
}
