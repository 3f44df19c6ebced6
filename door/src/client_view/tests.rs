use super::*;

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                value.parse().expect("value"),
            )
        })
        .collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("address")
}

#[test]
fn what_other_sites_send_is_refused() {
    let client = ClientView {
        base: "https://larder.example:7070".into(),
        address: [127, 0, 0, 1].into(),
        request_id: "".into(),
        unheard: false,
    };
    let fine = |lines: &[(&'static str, &str)]| client.require_own(&headers(lines)).is_ok();
    assert!(fine(&[]), "no browser");
    assert!(fine(&[
        ("sec-fetch-site", "same-origin"),
        ("origin", "null")
    ]));
    assert!(fine(&[("origin", "https://larder.example:7070")]));
    assert!(
        fine(&[("origin", "http://inner:80"), ("host", "inner:80")]),
        "behind a proxy"
    );
    for bad in ["cross-site", "same-site", "none", ""] {
        assert!(
            !fine(&[
                ("sec-fetch-site", bad),
                ("origin", "https://larder.example:7070")
            ]),
            "{bad}"
        );
    }
    for bad in [
        "null",
        "",
        "https://evil.example",
        "https://larder.example",
        "https://larder.example:7070.evil",
    ] {
        assert!(!fine(&[("origin", bad), ("host", "inner:80")]), "{bad}");
    }
    assert!(!fine(&[("origin", "null")]));
}

#[test]
fn strangers_cannot_say_where_they_come_from() {
    let spoofed = headers(&[
        ("host", "larder.example:7070"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
    ]);
    let client = ClientView::of(
        &Uri::from_static("/"),
        &spoofed,
        None,
        false,
        ip("10.0.0.9"),
        |_| false,
    );
    assert_eq!(
        (&*client.base, client.address),
        ("http://larder.example:7070", ip("10.0.0.9"))
    );
}

#[test]
fn the_authority_of_http_2_counts() {
    let uri = Uri::from_static("https://larder.example:7070/v2/");
    let client = ClientView::of(&uri, &HeaderMap::new(), None, true, ip("10.0.0.9"), |_| {
        false
    });
    assert_eq!(&*client.base, "https://larder.example:7070");
}

#[test]
fn trusted_proxies_are_walked_from_the_right() {
    let trusts = |address: IpAddr| address == ip("10.0.0.1") || address == ip("10.0.0.2");
    let sent = headers(&[
        ("host", "inner"),
        ("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2"),
        ("x-forwarded-proto", "https"),
    ]);
    let client = ClientView::of(
        &Uri::from_static("/"),
        &sent,
        None,
        false,
        ip("10.0.0.1"),
        trusts,
    );
    assert_eq!(
        (&*client.base, client.address),
        ("https://inner", ip("1.2.3.4"))
    );
}

#[test]
fn a_host_that_is_none_is_not_repeated() {
    let sent = headers(&[("host", "a/b\"c")]);
    assert_eq!(
        &*ClientView::of(
            &Uri::from_static("/"),
            &sent,
            None,
            true,
            ip("10.0.0.9"),
            |_| false
        )
        .base,
        "https://localhost"
    );
    assert_eq!(
        &*ClientView::of(
            &Uri::from_static("/"),
            &sent,
            Some("https://r.example"),
            false,
            ip("10.0.0.9"),
            |_| false
        )
        .base,
        "https://r.example"
    );
}
