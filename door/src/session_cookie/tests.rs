use super::*;
use std::net::{IpAddr, Ipv4Addr};

fn seen_at(base: &str) -> ClientView {
    ClientView {
        base: base.into(),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        request_id: "".into(),
        unheard: false,
    }
}

fn read_of(lines: &[&str], base: &str) -> Option<String> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(COOKIE, HeaderValue::from_str(line).expect("header"));
    }
    read(&headers, &seen_at(base)).map(str::to_owned)
}

#[test]
fn the_cookie_is_found_among_others() {
    let plain = "http://larder.example";
    let found = |lines: &[&str]| read_of(lines, plain);
    assert_eq!(found(&[]), None);
    assert_eq!(found(&["theme=dark; larder_sessions=a"]), None);
    assert_eq!(
        found(&["theme=dark;larder_session=a ; b=c"]),
        Some("a".into())
    );
    assert_eq!(found(&["theme=dark", "larder_session=a"]), Some("a".into()));
    // Nobody can tell which one is ours.
    assert_eq!(
        found(&["larder_session=a; larder_session=b"]),
        Some(String::new())
    );
    assert_eq!(
        found(&["larder_session=a", "larder_session=a"]),
        Some(String::new())
    );
}

#[test]
fn over_https_only_the_cookie_of_this_very_host_counts() {
    let (plain, secure) = ("http://larder.example", "https://larder.example");
    let both = ["larder_session=a; __Host-larder_session=b"];
    assert_eq!(read_of(&both, plain), Some("a".into()));
    assert_eq!(read_of(&both, secure), Some("b".into()));
    assert_eq!(read_of(&["larder_session=a"], secure), None);
}

#[test]
fn a_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let secret = Secret::of(&[0; 2]);
    let text = |cookie: Result<HeaderValue, Problem>| {
        let cookie = cookie.expect("cookie");
        assert!(cookie.is_sensitive());
        cookie.to_str().expect("text").to_owned()
    };
    let (plain, secure) = (
        seen_at("http://larder.example"),
        seen_at("https://larder.example"),
    );
    assert_eq!(
        text(set(&plain, &secret)),
        "larder_session=lrd_0000; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax"
    );
    assert_eq!(
        text(set(&secure, &secret)),
        "__Host-larder_session=lrd_0000; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax; Secure"
    );
    assert_eq!(
        text(clear(&secure)),
        "__Host-larder_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
    );
}
