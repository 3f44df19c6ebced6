//! What belongs to a `repomd.xml`.

use super::*;

#[test]
fn a_snapshot_has_all_files_of_its_repomd() {
    for root in ["", "9/BaseOS/x86_64/os/"] {
        let repomd = document(&format!("/{root}repodata/repomd.xml")).0;
        Rpm.check(&repomd, REPOMD).expect("a repomd.xml");
        let set = RepomdSets.set(&repomd, REPOMD).expect("set");
        let companions: Vec<&str> = set
            .companions
            .iter()
            .map(|companion| &*companion.path)
            .collect();
        assert_eq!(
            companions,
            [".asc", ".key"].map(|ending| format!("{root}repodata/repomd.xml{ending}"))
        );
        assert_eq!(set.members.len(), 3);
        let Member {
            name: _,
            artifact: member,
            fetch,
            is_required,
        } = &set.members[0];
        assert!(is_required);
        assert_eq!(
            (&*member.path, &fetch.url),
            (&*format!("{root}{PRIMARY}"), &format!("{root}{PRIMARY}"))
        );
        assert_eq!(
            fetch.integrity,
            Integrity::Digest(Digest::of(Algorithm::Sha256, GZIP))
        );
        assert_eq!(fetch.size, Some(710));
        // Asked for alone, each is got in the same way.
        let one = artifact(&format!("/{root}{PRIMARY}"));
        assert_eq!(&one, member);
        assert_eq!(plan(&one, &[]).expect("plan"), Plan::Read(repomd.clone()));
        assert_eq!(fetched(plan(&one, &[stored(REPOMD)])), *fetch);
        assert_eq!(plan(&one, &[None]).expect_err("none").kind, Kind::NotFound);
        let gone = artifact(&format!("/{root}repodata/00ff-primary.xml.gz"));
        assert_eq!(
            plan(&gone, &[stored(REPOMD)]).expect_err("gone").kind,
            Kind::NotFound
        );
    }
    assert_eq!(
        RepomdSets
            .set(&document("/repodata/repomd.xml.asc").0, b"x")
            .expect("set"),
        Set::default()
    );
    for (path, belongs) in [
        ("9/repodata/repomd.xml.asc", Some(repomd_of("9/"))),
        ("repodata/repomd.xml.key", Some(repomd_of(""))),
        ("repodata/repomd.xml", None),
        ("9/some.key", None),
    ] {
        let heads = RepomdSets.heads_of(&Document::new("", path));
        assert_eq!(heads.first(), belongs.as_ref(), "{path}");
    }
}

#[test]
fn every_kind_of_record_is_a_member() {
    let body = text(REPOMD)
        .replace("\"filelists\"", "\"primary_zck\"")
        .replace("\"other\"", "\"prestodelta\"");
    assert_eq!(
        RepomdSets
            .set(&repomd_of(""), body.as_bytes())
            .expect("set")
            .members
            .len(),
        3
    );
    let (long, short) = ("00".repeat(64), "0a".repeat(20));
    for (checksum, integrity) in [
        (
            format!("type=\"sha512\">{long}"),
            Integrity::Digest(format!("sha512:{long}").parse().expect("digest")),
        ),
        (
            format!("type=\"sha\">\n {short} "),
            Integrity::Sha1([10; 20]),
        ),
        (
            format!("type=\"sha1\">{}", short.to_uppercase()),
            Integrity::Sha1([10; 20]),
        ),
        ("type=\"md5\">00".into(), Integrity::None),
    ] {
        let body = repomd_with("group", "href=\"repodata/comps.xml\"", &checksum, b"1234");
        Rpm.check(&repomd_of(""), &body).expect("a repomd.xml");
        let Member { fetch, .. } = &RepomdSets.set(&repomd_of(""), &body).expect("set").members[0];
        assert_eq!(
            *fetch,
            Fetch::new("repodata/comps.xml", integrity).with_size(Some(4))
        );
    }
}

#[test]
fn metadata_may_be_on_another_host() {
    let checksum = sum(Algorithm::Sha256, GZIP);
    for (location, path, url) in [
        (
            "xml:base=\"https://far.example/x/\" href=\"repodata/p.gz\"",
            "repodata/p.gz",
            "https://far.example/x/repodata/p.gz",
        ),
        (
            "href=\"HTTPS://far.example/x/p.gz?a=1&amp;b\"",
            "repodata/p.gz",
            "HTTPS://far.example/x/p.gz?a=1&b",
        ),
    ] {
        let body = repomd_with("primary", location, &checksum, GZIP);
        let set = RepomdSets.set(&repomd_of("9/"), &body).expect("set");
        let Member {
            name: _,
            artifact: member,
            fetch,
            is_required,
        } = &set.members[0];
        assert!(is_required);
        assert_eq!((&*member.path, &*fetch.url), (&*format!("9/{path}"), url));
        let plan = Rpm
            .plan(&artifact(&format!("/9/{TINY}")), &[stored(&body)], &[])
            .expect("plan");
        let Plan::Consult(list, list_fetch) = plan else {
            panic!("no list")
        };
        assert_eq!((list, &list_fetch), (member.clone(), fetch));
    }
}

#[test]
fn locations_outside_of_the_repository_are_refused() {
    let checksum = sum(Algorithm::Sha256, GZIP);
    for location in [
        "href=\"../p.gz\"",
        "href=\"repodata/../../p.gz\"",
        "href=\"repodata/%2e%2E/p.gz\"",
        "href=\"repodata%2f..%2fp.gz\"",
        "href=\"/etc/p.gz\"",
        "href=\"%2fetc/p.gz\"",
        "href=\"//far.example/p.gz\"",
        "href=\"file:///etc/p.gz\"",
        "href=\"file:/etc/p.gz\"",
        "href=\"ftp://far.example/p.gz\"",
        "href=\"https:///p.gz\"",
        "href=\"https://far.example/..\"",
        "href=\"a\\..\\p.gz\"",
        "href=\"p%00.gz\"",
        "href=\"p%zz.gz\"",
        "href=\"p%é.gz\"",
        "href=\"p%ff.gz\"",
        "href=\"\"",
        "xml:base=\"ftp://far.example/\" href=\"p.gz\"",
        "xml:base=\"file:///etc\" href=\"p.gz\"",
        "xml:base=\"https://far.example/?x=\" href=\"p.gz\"",
        "xml:base=\"https://far.example/\" href=\"../p.gz\"",
    ] {
        let body = repomd_with("primary", location, &checksum, GZIP);
        let problem = RepomdSets.set(&repomd_of(""), &body).expect_err(location);
        assert_eq!(problem.kind, Kind::Upstream, "{location}");
        assert!(Rpm.check(&repomd_of(""), &body).is_err(), "{location}");
    }
    let long = format!("href=\"{}\"", "a/".repeat(3000));
    assert!(
        Rpm.check(
            &repomd_of(""),
            &repomd_with("primary", &long, &checksum, GZIP)
        )
        .is_err()
    );
}
