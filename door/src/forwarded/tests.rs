use super::*;
use http::{HeaderName, HeaderValue};

/// `10.*` is trusted; the request comes from one of these.
fn told(headers: &[(&str, &str)]) -> (String, Option<String>, Option<String>) {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().expect("name");
            (name, HeaderValue::from_str(value).expect("value"))
        })
        .collect();
    let trusts = |address: IpAddr| address.to_string().starts_with("10.");
    let told = Forwarded::read(&headers, "10.0.0.1".parse().expect("peer"), trusts);
    (told.address.to_string(), told.proto, told.host)
}

#[track_caller]
fn check(headers: &[(&str, &str)], address: &str, proto: &str, host: &str) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    assert_eq!(told(headers), (address.to_owned(), some(proto), some(host)));
}

#[test]
fn each_proxy_adds_what_it_saw() {
    const FOR: &str = "x-forwarded-for";
    const PROTO: &str = "x-forwarded-proto";
    const HOST: &str = "x-forwarded-host";
    check(&[], "10.0.0.1", "", "");
    check(
        &[(FOR, "1.2.3.4"), (PROTO, "https"), (HOST, "a.example")],
        "1.2.3.4",
        "https",
        "a.example",
    );
    // Two that are trusted: what the first one saw counts.
    check(
        &[
            (FOR, "1.2.3.4, 10.0.0.2"),
            (PROTO, "https,http"),
            (HOST, "a.example, b.example"),
        ],
        "1.2.3.4",
        "https",
        "a.example",
    );
    check(
        &[
            (FOR, "1.2.3.4"),
            (FOR, "10.0.0.2"),
            (PROTO, "https"),
            (PROTO, "http"),
        ],
        "1.2.3.4",
        "https",
        "",
    );
    // What a client wrote before them does not.
    check(
        &[
            (FOR, "6.6.6.6, 1.2.3.4"),
            (PROTO, "ftp, https"),
            (HOST, "evil.example, a.example"),
        ],
        "1.2.3.4",
        "https",
        "a.example",
    );
    check(
        &[
            (FOR, "6.6.6.6, 1.2.3.4, 10.0.0.2"),
            (HOST, "evil, a.example, b.example"),
        ],
        "1.2.3.4",
        "",
        "a.example",
    );
    // One that sets what the others add to.
    check(
        &[(FOR, "1.2.3.4, 10.0.0.2"), (PROTO, "https")],
        "1.2.3.4",
        "https",
        "",
    );
    // Those that tell no addresses are taken for the ones that are trusted.
    check(
        &[(PROTO, "https, https"), (HOST, "a.example, b.example")],
        "10.0.0.1",
        "https",
        "a.example",
    );
    check(
        &[(FOR, "unknown"), (HOST, "evil, a.example")],
        "10.0.0.1",
        "",
        "a.example",
    );
    check(&[(FOR, "[2001:db8::1]:4711")], "2001:db8::1", "", "");
    check(&[(FOR, "1.2.3.4:80")], "1.2.3.4", "", "");
}

#[test]
fn the_standard_header_counts_where_nothing_else_tells() {
    const STANDARD: &str = "forwarded";
    check(
        &[(STANDARD, "for=192.0.2.1;proto=https;host=a.example")],
        "192.0.2.1",
        "https",
        "a.example",
    );
    check(
        &[(
            STANDARD,
            "For=\"[2001:db8::1]:4711\"; Proto=HTTPS; host=\"a.example:8443\"",
        )],
        "2001:db8::1",
        "HTTPS",
        "a.example:8443",
    );
    check(
        &[(
            STANDARD,
            "for=192.0.2.1;proto=https;host=a.example, for=10.0.0.2;proto=http",
        )],
        "192.0.2.1",
        "https",
        "a.example",
    );
    check(
        &[(
            STANDARD,
            "for=6.6.6.6;host=evil.example, for=192.0.2.1;host=a.example",
        )],
        "192.0.2.1",
        "",
        "a.example",
    );
    check(
        &[
            (STANDARD, "for=6.6.6.6;host=evil.example"),
            (STANDARD, "for=_hidden;proto=https"),
        ],
        "10.0.0.1",
        "https",
        "",
    );
    check(
        &[(STANDARD, "by=\"a,b;c\";host=a.example")],
        "10.0.0.1",
        "",
        "a.example",
    );
    check(
        &[
            (STANDARD, "for=6.6.6.6;host=evil.example"),
            ("x-forwarded-for", "1.2.3.4"),
        ],
        "1.2.3.4",
        "",
        "",
    );
}
