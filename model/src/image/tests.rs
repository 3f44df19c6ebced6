use super::*;

#[test]
fn image_names() {
    let name: ImageName = "team/app/web".parse().expect("name");
    assert_eq!((name.repo().as_str(), name.image()), ("team", "app/web"));
    assert_eq!(name.to_string(), "team/app/web");
    for bad in [
        "",
        "app",
        "/app",
        "team/",
        "team//app",
        "Team/app",
        "team/../app",
        "team/App",
        "team/a b",
    ] {
        assert!(bad.parse::<ImageName>().is_err(), "{bad}");
    }
    assert!(
        format!("a/{}", "b".repeat(254))
            .parse::<ImageName>()
            .is_err()
    );
}

#[test]
fn references() {
    assert!(matches!("v1.0-rc_1".parse(), Ok(Reference::Tag(_))));
    assert!(matches!("_".parse(), Ok(Reference::Tag(_))));
    let digest = format!("sha256:{}", "0".repeat(64));
    assert!(matches!(digest.parse(), Ok(Reference::Digest(_))));
    for bad in ["", ".a", "-a", "a/b", "sha256:0", "a+b", &"a".repeat(129)] {
        assert!(bad.parse::<Reference>().is_err(), "{bad}");
    }
}

#[test]
fn registries_have_one_name() {
    for (host, name) in [
        ("quay.io", "quay.io"),
        ("Quay.IO:443", "quay.io"),
        ("registry.corp:5000", "registry.corp:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("docker.io", "docker.io"),
        ("Index.docker.io", "docker.io"),
        ("registry-1.docker.io:443", "docker.io"),
    ] {
        assert_eq!(registry_name(host), name, "{host}");
    }
    for (url, name) in [
        ("https://registry-1.docker.io/", Some("docker.io")),
        ("https://registry.corp:443/x/", Some("registry.corp")),
        ("http://registry.corp:80/", Some("registry.corp")),
        ("http://registry.corp:5000/", Some("registry.corp:5000")),
        ("https://Registry.corp:5000", Some("registry.corp:5000")),
        ("https:///", None),
        ("registry.corp", None),
    ] {
        assert_eq!(registry_name_of(url).as_deref(), name, "{url}");
    }
}
