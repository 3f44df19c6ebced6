use super::*;

#[test]
fn addresses_are_urls_or_hosts_with_ports() {
    let hosts = |http: &str, https: &str| {
        let proxies = Proxies::new(http, https, "").expect("proxies");
        let hosts: Vec<String> = proxies.hosts().map(str::to_owned).collect();
        assert_eq!(proxies.is_empty(), hosts.is_empty());
        hosts
    };
    assert!(hosts("", "").is_empty());
    assert_eq!(hosts("proxy.example:3128", ""), ["proxy.example"]);
    assert_eq!(
        hosts("http://me:secret@a.example:1/", "socks5://b.example"),
        ["a.example", "b.example"]
    );
    for bad in ["ftp://a.example", "http://", "a b", "://"] {
        assert!(Proxies::new(bad, "", "").is_err(), "{bad}");
        assert!(Proxies::new("", bad, "").is_err(), "{bad}");
    }
}

#[test]
fn their_passwords_are_not_shown() {
    let proxies = Proxies::new("http://me:secret@a.example:1/", "", "").expect("proxies");
    assert!(!format!("{proxies:?}").contains("secret"));
}
