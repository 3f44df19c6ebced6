use super::*;

const OCI: ProtocolName = ProtocolName::OCI;

fn blob(size: u64, names: &[(i64, &str)]) -> NamedBlob {
    let names = names
        .iter()
        .map(|(repo, package)| (*repo, (*package).into()));
    NamedBlob {
        digest: "sha256:0".into(),
        size,
        names: names.collect(),
    }
}

/// A count of two repos of images and one of packages.
fn counted(blobs: &[NamedBlob]) -> (BTreeMap<i64, RepoUsage>, BTreeMap<String, UsageSum>) {
    let protocols = [(1, OCI), (2, OCI), (3, ProtocolName("files"))];
    let mut count = Count::new(protocols.into());
    for blob in blobs {
        count.add(blob);
    }
    count.add_package(1, 0);
    count.add_package(1, 2);
    count.add_package(3, 5);
    let sums = count.sums(Timestamp(7)).into_iter();
    let sums = sums.map(|sum| (sum.scope.to_string(), sum));
    (count.repos, sums.collect())
}

#[test]
fn each_digest_counts_once_wherever_it_is_named() {
    let (repos, sums) = counted(&[
        blob(1, &[(1, "a")]),
        blob(10, &[(1, "a"), (1, "b")]),
        blob(100, &[(1, "a"), (2, "a")]),
        blob(1_000, &[(2, "a"), (3, "x"), (3, "y")]),
        blob(10_000, &[]),
    ]);
    let of = |repo: i64| {
        (
            repos[&repo].bytes,
            repos[&repo].unique_bytes,
            repos[&repo].blobs,
        )
    };
    assert_eq!(
        [of(1), of(2), of(3)],
        [(111, 11, 3), (1_100, 0, 2), (1_000, 0, 1)]
    );
    assert_eq!((repos[&1].packages, repos[&1].versions), (1, 2));
    let of = |scope: &str| {
        let sum = &sums[scope];
        (
            sum.bytes,
            sum.unique_bytes,
            sum.blobs,
            sum.saved_bytes,
            sum.unnamed_bytes,
        )
    };
    assert_eq!(of(""), (1_111, 11, 4, 10 + 100 + 2_000, 10_000));
    assert_eq!(of("oci"), (1_111, 111, 4, 110, 0));
    assert_eq!(of("files"), (1_000, 0, 1, 1_000, 0));
    let of = |scope: &str| {
        (
            sums[scope].repositories,
            sums[scope].packages,
            sums[scope].versions,
        )
    };
    assert_eq!(
        [of(""), of("oci"), of("files")],
        [(3, 2, 7), (2, 1, 2), (1, 1, 5)]
    );
    assert!(sums.values().all(|sum| sum.as_of == Timestamp(7)));
}

#[test]
fn nothing_is_counted_as_nothing() {
    let mut count = Count::new(BTreeMap::new());
    let sums = count.sums(Timestamp(0));
    assert_eq!(sums, [UsageSum::default()]);
}

#[test]
fn a_repo_that_came_meanwhile_counts_among_all() {
    let (repos, sums) = counted(&[blob(5, &[(9, "new")])]);
    assert_eq!(repos[&9].bytes, 5);
    assert_eq!((sums[""].bytes, sums.contains_key("oci")), (5, true));
    assert_eq!(sums["oci"].bytes, 0);
}
