use super::*;

fn read(text: &str) -> Option<DiscoveredUpstream> {
    DiscoveredUpstream::read("pypi", text, &Place::Program("x"))
}

#[test]
fn credentials_are_split_off() {
    let found = read(" https://me:p%40ss@registry.example:8443/simple ").expect("found");
    assert_eq!(found.url, "https://registry.example:8443/simple/");
    assert_eq!(
        (
            found.username.as_deref(),
            found.password.as_ref().map(Secret::expose)
        ),
        (Some("me"), Some("p@ss"))
    );
    assert!(!format!("{found:?}").contains("p@ss"));
    let token = read("https://lrd_x@registry.example/").expect("found");
    assert_eq!(
        (
            token.username.as_deref(),
            token.password.as_ref().map(Secret::expose)
        ),
        (Some("token"), Some("lrd_x"))
    );
    assert_eq!(
        read("HTTP://registry.example").expect("found").url,
        "http://registry.example/"
    );
}

#[test]
fn what_is_no_address() {
    for bad in [
        "",
        "registry.example",
        "file:///srv/simple",
        "https://",
        "https://@/",
        "https://a b/",
        "git+ssh://a/b",
    ] {
        assert_eq!(read(bad), None, "{bad}");
    }
    assert_eq!(
        read(&format!("https://registry.example/{}", "a".repeat(LONGEST))),
        None
    );
    assert_eq!(decode("a%zz%"), "a%zz%");
    assert_eq!(decode("%ff"), "%ff");
}

#[test]
fn an_address_ends_above_variables() {
    let address = |protocol, url: &str| {
        let found = DiscoveredUpstream::read(protocol, url, &Place::Program("x")).expect("found");
        found.address().map(str::to_owned)
    };
    let some = |text: &str| Some(text.to_owned());
    let versioned = "https://registry.example/os/$releasever/$basearch/";
    assert_eq!(
        address("rpm", versioned),
        some("https://registry.example/os/")
    );
    assert_eq!(
        address("rpm", "https://registry.example/os-$releasever/x"),
        some("https://registry.example/")
    );
    assert_eq!(address("rpm", "https://$host/os"), None);
    assert_eq!(
        address("rpm", "https://registry.example/os"),
        some("https://registry.example/os/")
    );
    assert_eq!(address("npm", versioned), None);
    assert_eq!(address("npm", "https://${HOST}/"), None);
}
