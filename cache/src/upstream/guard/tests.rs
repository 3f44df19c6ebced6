use super::*;

fn url(text: &str) -> Url {
    text.parse().expect("url")
}

#[test]
fn private_addresses_are_not_reached_in_any_dress() {
    let private = [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::127.0.0.1",
        "64:ff9b:1::1",
        "2001:db8::1",
    ];
    for text in private {
        assert!(!is_public(text.parse().expect("address")), "{text}");
    }
    for text in [
        "1.1.1.1",
        "93.184.216.34",
        "2606:4700::1111",
        "64:ff9b::101:101",
        "::ffff:1.1.1.1",
    ] {
        assert!(is_public(text.parse().expect("address")), "{text}");
    }
}

#[test]
fn only_the_named_origin_may_be_private() {
    let guard = Guard::new(
        vec![
            url("http://127.0.0.1:8081/").origin(),
            url("http://inner.example:90/").origin(),
        ],
        false,
    );
    for good in [
        "http://127.0.0.1:8081/a",
        "http://inner.example:90/x",
        "https://elsewhere.example/",
        "http://1.1.1.1/",
    ] {
        assert!(guard.admits(&url(good)), "{good}");
    }
    for bad in [
        "http://127.0.0.1/",
        "http://127.0.0.1:22/",
        "http://[::1]:8081/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://inner.example/",
        "http://INNER.example:22/",
        "http://169.254.169.254/latest/",
    ] {
        assert!(!guard.admits(&url(bad)), "{bad}");
    }
}

/// Whether a name of this machine is looked up.
async fn resolve(guard: Guard, proxies: &[&str]) -> bool {
    let proxies = proxies.iter().map(|name| (*name).into()).collect();
    let resolver = Resolver { guard, proxies };
    let found = resolver.resolve("localhost".parse().expect("name")).await;
    found.is_ok()
}

#[tokio::test]
async fn names_of_private_addresses_are_not_resolved() {
    assert!(!resolve(Guard::new(vec![], false), &[]).await);
    let trusted = || Guard::new(vec![url("http://localhost:1/").origin()], false);
    assert!(resolve(trusted(), &[]).await);
    assert!(resolve(Guard::new(vec![], false), &["other", "LOCALHOST"]).await);
    assert!(!resolve(Guard::new(vec![], false), &["other"]).await);
}

/// What a list names is named by who named the list: it goes where the upstream itself may go.
#[tokio::test]
async fn mirrors_of_a_list_are_as_their_upstream() {
    for is_private in [true, false] {
        let guard = Guard::new(vec![], is_private);
        let mirror = url("http://127.0.0.1:81/os/");
        assert!(!guard.is_named(&mirror) && !guard.admits(&mirror));
        let same = guard.clone();
        same.list(vec![mirror.origin(), url("http://localhost:1/").origin()]);
        assert!(guard.is_named(&mirror), "whoever shares it knows");
        assert_eq!(guard.admits(&mirror), is_private);
        assert!(
            !guard.admits(&url("http://127.0.0.1:82/")),
            "another port is not named"
        );
        assert_eq!(resolve(guard.clone(), &[]).await, is_private);
        guard.list(Vec::new());
        assert!(!guard.is_named(&mirror) && !guard.admits(&mirror));
    }
}
