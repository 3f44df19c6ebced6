use super::*;

#[test]
fn files_are_known_by_their_names() {
    for (path, kind) in [
        ("/home/a/.npmrc", Some(Kind::Lines(Style::Npmrc))),
        ("/home/a/.config/go/env", Some(Kind::Lines(Style::Npmrc))),
        ("/home/a/.config/env", None),
        (
            "/home/a/.config/pip/pip.conf",
            Some(Kind::Lines(Style::Ini)),
        ),
        (
            "/etc/yum.repos.d/larder-main.repo",
            Some(Kind::Lines(Style::Ini)),
        ),
        ("/home/a/.cargo/config.toml", Some(Kind::Toml(false))),
        ("/home/a/.bunfig.toml", Some(Kind::Toml(true))),
        (
            "/etc/containers/registries.conf.d/larder.conf",
            Some(Kind::Toml(false)),
        ),
        ("/etc/docker/daemon.json", Some(Kind::Json)),
        ("/home/a/.larder-npm-ca.crt", Some(Kind::Certificates)),
        ("/etc/other.conf", None),
        ("/", None),
    ] {
        assert_eq!(Kind::of(Path::new(path)), kind, "{path}");
    }
}

#[test]
fn a_byte_order_mark_is_refused() {
    let kind = Kind::Lines(Style::Npmrc);
    let wanted = ["a=b".to_owned()];
    assert!(kind.put("\u{feff}a=c\n", &wanted, "x").is_err());
}

#[test]
fn certificates_stand_beside_others() {
    let kind = Kind::Certificates;
    let ours = [
        "-----BEGIN CERTIFICATE-----",
        "b3Vycw==",
        "-----END CERTIFICATE-----",
    ];
    let ours = ours.map(str::to_owned);
    for before in [
        "",
        "-----BEGIN CERTIFICATE-----\nbWluZQ==\n-----END CERTIFICATE-----\n",
    ] {
        assert!(!kind.satisfied(before, &ours));
        let after = kind.put(before, &ours, "npm npm/main").expect("put");
        assert!(
            kind.satisfied(&after, &ours) && after.starts_with(before),
            "{after}"
        );
        let taken = kind.take(&after, "npm npm/main", (before, &after));
        assert_eq!(taken.as_deref(), Ok(before));
    }
}
