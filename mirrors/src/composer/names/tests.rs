use super::*;

#[test]
fn names_have_a_vendor_and_a_project() {
    for name in [
        "acme/demo",
        "Acme/Demo",
        "a/b",
        "acme/de.mo_x-y",
        "0/1",
        "acme/a--b",
        "a__b/c",
    ] {
        assert!(is_name(name), "{name}");
    }
    for name in [
        "",
        "acme",
        "acme/",
        "/demo",
        "acme/demo/x",
        "acme/.demo",
        "a b/c",
        "acme/d~dev",
    ] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn new_names_are_lower_case_with_single_separators() {
    for name in ["acme/demo", "ac.me/d-e_m.o", "acme/a--b", "a1/2b"] {
        assert!(is_new_name(name), "{name}");
    }
    for name in [
        "Acme/demo",
        "acme/Demo",
        "ac--me/demo",
        "acme/a---b",
        "acme/a..b",
        "acme/demo-",
    ] {
        assert!(!is_new_name(name), "{name}");
    }
}

#[test]
fn branches_with_slashes_are_one_segment() {
    for version in ["1.0.0", "dev-main", "dev-feature/foo", "v2.0+build"] {
        assert!(is_version(version), "{version}");
        let segment = version_segment(version);
        assert!(!segment.contains('/'), "{segment}");
        let decoded = larder_model::percent::decode(&segment).expect("encoding");
        assert_eq!(version_of(&decoded), version);
    }
    for version in [
        "",
        "dev-a~b",
        "dev-a/../x",
        "dev-a//b",
        "a b",
        "a%2fb",
        "a\\b",
    ] {
        assert!(!is_version(version), "{version}");
    }
}

#[test]
fn what_is_no_part_of_an_address_is_hashed() {
    assert_eq!(identity("0123abcd"), "0123abcd");
    assert_eq!(identity("v1.0"), "v1.0");
    let others = ["", "tags/1.0", ".hidden", "-x", "a b"].map(identity);
    for (at, one) in others.iter().enumerate() {
        assert_eq!((one.len(), &one[..1]), (41, "x"), "{one}");
        assert!(others[..at].iter().all(|other| other != one));
        assert!(is_file(&format!("{one}.zip")));
    }
}
