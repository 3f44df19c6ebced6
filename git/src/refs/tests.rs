use super::*;

#[test]
fn names_are_those_that_git_takes() {
    for good in [
        "refs/heads/main",
        "refs/heads/a/b-c_d",
        "refs/tags/v1.0.0",
        "refs/pull/1/head",
        "refs/heads/日本",
        "refs/heads/@",
    ] {
        assert!(good.parse::<RefName>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "HEAD",
        "heads/main",
        "refs/",
        "refs//x",
        "refs/heads/",
        "refs/heads/.x",
        "refs/heads/x..y",
        "refs/heads/x.lock",
        "refs/heads/x.LOCK/y",
        "refs/heads/x.",
        "refs/heads/a b",
        "refs/heads/a~b",
        "refs/heads/a^b",
        "refs/heads/a:b",
        "refs/heads/a?b",
        "refs/heads/a*b",
        "refs/heads/a[b",
        "refs/heads/a\\b",
        "refs/heads/a@{b",
        "refs/heads/a\u{7f}b",
        "refs/heads/a\nb",
    ] {
        assert_eq!(bad.parse::<RefName>(), Err(BadRefName), "{bad:?}");
    }
    let long = format!("refs/heads/{}", "x".repeat(MAX_NAME));
    assert!(long.parse::<RefName>().is_err());
}

#[test]
fn head_is_what_its_branch_is() {
    let oid: Oid = "1".repeat(40).parse().expect("a name");
    let main: RefName = "refs/heads/main".parse().expect("a name");
    let target = Target {
        oid: oid.clone(),
        peeled: None,
    };
    let mut refs = Refs {
        head: Some(main.clone()),
        detached: None,
        names: BTreeMap::new(),
    };
    assert_eq!(refs.head_oid(), None, "no commit yet");
    refs.names.insert(main, target);
    assert_eq!(refs.head_oid(), Some(&oid));
    assert_eq!(refs.tips(), [&oid]);
}

#[test]
fn a_ref_is_in_the_way_of_those_above_and_below_it() {
    let name = |text: &str| text.parse::<RefName>().expect("a name");
    let target = Target {
        oid: "1".repeat(40).parse().expect("a name"),
        peeled: None,
    };
    let all = ["refs/heads/a/b", "refs/heads/a-b/c", "refs/tags/a"];
    let names = all.map(|text| (name(text), target.clone()));
    let refs = Refs {
        names: names.into_iter().collect(),
        ..Refs::default()
    };
    for (new, other) in [
        ("refs/heads/a", Some("refs/heads/a/b")),
        ("refs/heads/a/b", None),
        ("refs/heads/a/b/c/d", Some("refs/heads/a/b")),
        ("refs/heads/a/bc", None),
        ("refs/heads/a-b", Some("refs/heads/a-b/c")),
        ("refs/heads/a-", None),
        ("refs/heads/b", None),
        ("refs/tags", Some("refs/tags/a")),
        ("refs/tags/a/x", Some("refs/tags/a")),
    ] {
        let found = refs.in_the_way_of(&name(new)).map(RefName::as_str);
        assert_eq!(found, other, "{new}");
    }
}
