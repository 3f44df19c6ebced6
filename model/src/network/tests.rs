use super::*;

fn holds(network: &str, address: &str) -> bool {
    let network: Network = network.parse().expect("a network");
    network.contains(address.parse().expect("an address"))
}

#[test]
fn ranges_hold_their_addresses_only() {
    assert!(holds("10.0.0.0/8", "10.255.255.255"));
    assert!(!holds("10.0.0.0/8", "11.0.0.0"));
    assert!(holds("192.168.4.0/22", "192.168.7.255"));
    assert!(!holds("192.168.4.0/22", "192.168.8.0"));
    assert!(holds("127.0.0.1", "127.0.0.1"));
    assert!(!holds("127.0.0.1", "127.0.0.2"));
    assert!(holds("0.0.0.0/0", "203.0.113.9"));
    assert!(holds("fd00::/8", "fdff::1"));
    assert!(!holds("fd00::/8", "fe00::1"));
    assert!(holds("::/0", "2001:db8::1"));
    assert!(holds("::1", "::1"));
}

#[test]
fn ipv4_over_ipv6_is_ipv4() {
    assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert!(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert!(!holds("::/0", "10.1.2.3"));
    assert!(!holds("0.0.0.0/0", "2001:db8::1"));
}

#[test]
fn a_range_is_written_as_it_was_read() {
    for text in ["10.0.0.0/8", "0.0.0.0/0", "127.0.0.1", "fd00::/8", "::1"] {
        assert_eq!(
            text.parse::<Network>().expect("a network").to_string(),
            text
        );
    }
}

#[test]
fn other_texts_are_no_range() {
    for text in [
        "",
        "10.0.0",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "/8",
        "host",
        "10.0.0.0/8/8",
    ] {
        assert_eq!(
            text.parse::<Network>(),
            Err(NotANetwork::Malformed),
            "{text}"
        );
    }
    let meant: Network = "10.0.0.0/8".parse().expect("a network");
    assert_eq!(
        "10.1.2.3/8".parse::<Network>(),
        Err(NotANetwork::Beyond(meant))
    );
}
