use super::*;
use crate::index::Index as _;
use crate::rpm::index::Repodata;
use larder_model::{Algorithm, Digest};

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

/// A package in `primary`; its checksum is its name's.
fn package(name: &str, place: &str) -> String {
    format!(
        "<package type=\"rpm\"><name>{name}</name>\
         <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>{place}</package>",
        id(name)
    )
}

fn id(name: &str) -> String {
    Digest::of(Algorithm::Sha256, name.as_bytes()).hex()
}

fn at(path: &str) -> String {
    format!("<location href=\"{path}\"/>")
}

fn primary(packages: &[String]) -> Bytes {
    format!(
        "<metadata xmlns=\"c\" xmlns:rpm=\"r\" xmlns:more=\"m\">{}</metadata>",
        packages.concat()
    )
    .into()
}

fn files(names: &[&str]) -> Bytes {
    let file = |name: &&str| {
        format!(
            "<package pkgid=\"{}\" name=\"{name}\"><file>/{name}</file></package>",
            id(name)
        )
    };
    format!(
        "<filelists>{}</filelists>",
        names.iter().map(file).collect::<String>()
    )
    .into()
}

/// Names that are left out of a member, and its lists by their kinds.
type Part<'a> = (&'a [&'a str], &'a [(&'a str, Bytes)]);

/// Merges members that are mirrors.
fn merge(members: &[Part<'_>]) -> Result<Vec<(String, String)>, Problem> {
    merge_as(Repodata.merge(NOW, ""), false, members)
}

fn merge_as(
    mut merge: Box<dyn IndexMerger>,
    is_hosted: bool,
    members: &[Part<'_>],
) -> Result<Vec<(String, String)>, Problem> {
    for (hidden, lists) in members {
        let record = |(kind, _): &(&str, Bytes)| {
            format!(
                "<data type=\"{kind}\"><location href=\"repodata/{kind}\"/>\
                 <checksum type=\"sha256\">{}</checksum></data>",
                id(kind)
            )
        };
        let head = format!(
            "<repomd>{}</repomd>",
            lists.iter().map(record).collect::<String>()
        );
        let hidden = Arc::new(hidden.iter().map(|name| (*name).into()).collect());
        merge.add(head.as_bytes(), IndexMember { hidden, is_hosted })?;
    }
    let mut made = Vec::new();
    while let Some(wanted) = merge.next() {
        let found = |(path, (_, lists)): (Option<Box<str>>, &Part<'_>)| {
            let path = path?;
            lists
                .iter()
                .find(|(kind, _)| path.ends_with(kind))
                .map(|(_, list)| list.clone())
        };
        made.extend(merge.merge_lists(wanted.paths.into_iter().zip(members).map(found).collect())?);
    }
    made.extend(merge.end(None)?);
    let text = |file: IndexDocument| {
        let mut text = String::new();
        unpack(&file.bytes)
            .expect("packed")
            .read_to_string(&mut text)
            .expect("text");
        (
            file.path.rsplit('-').next().unwrap_or_default().to_owned(),
            text,
        )
    };
    Ok(made.into_iter().map(text).collect())
}

fn list<'a>(made: &'a [(String, String)], ending: &str) -> &'a str {
    made.iter()
        .find(|(path, _)| path.contains(ending))
        .map(|(_, text)| text.as_str())
        .unwrap_or_default()
}

#[test]
fn members_are_merged() {
    let ours = [package("ours", &at("a/ours.rpm"))];
    let theirs = [
        package("ours", &at("b/ours-9.rpm")),
        package("theirs", &at("b/theirs.rpm")),
        package("clash", &at("a/ours.rpm")),
        package(
            "far",
            "<location xml:base=\"https://far.example/x/\" href=\"y/far.rpm\"/>",
        ),
        package("out", &at("../out.rpm")),
    ];
    let names = ["ours", "theirs", "clash", "far", "out", "unknown"];
    let made = merge(&[
        (
            &[],
            &[("primary", primary(&ours)), ("filelists", files(&["ours"]))],
        ),
        (
            &["ours"],
            &[("primary", primary(&theirs)), ("filelists", files(&names))],
        ),
    ])
    .expect("merged");
    let primary = list(&made, "primary");
    let expected = [
        package("ours", &at("a/ours.rpm")),
        package("theirs", &at("b/theirs.rpm")),
        package("far", &at("y/far.rpm")),
    ];
    assert!(
        primary.contains(" xmlns:more=\"m\" packages=\"3\">"),
        "{primary}"
    );
    assert!(primary.contains(&expected.join("\n")), "{primary}");
    assert_eq!(primary.matches("<package ").count(), 3, "{primary}");
    let merged = list(&made, "filelists");
    assert!(
        merged.contains("<file>/ours</file>") && merged.contains("<file>/far</file>"),
        "{merged}"
    );
    assert_eq!(
        merged.matches("<package ").count(),
        3,
        "each package once: {merged}"
    );
    let head = list(&made, "repomd");
    assert_eq!(head.matches("<data ").count(), 3, "{head}");
}

#[test]
fn a_release_of_two_hosted_members_is_the_firsts() {
    // The checksum of each is that of its path.
    let build = |path: &str, version: &str, arch: &str| {
        format!(
            "<package type=\"rpm\"><name>tool</name><arch>{arch}</arch>{version}\
             <checksum type=\"sha256\" pkgid=\"YES\">{}</checksum>{}</package>",
            id(path),
            at(path)
        )
    };
    let first = "<version epoch=\"0\" ver=\"1\" rel=\"1\"/>";
    let ours = [
        build("a/1.rpm", first, "x86_64"),
        build("a/2.rpm", first, "aarch64"),
    ];
    let theirs = [
        build("b/1.rpm", "<version ver=\"1\" rel=\"1\"/>", "x86_64"),
        build("b/2.rpm", first, "s390x"),
        build(
            "b/3.rpm",
            "<version epoch=\"1\" ver=\"1\" rel=\"1\"/>",
            "x86_64",
        ),
        build(
            "b/4.rpm",
            "<version epoch=\"0\" ver=\"1\" rel=\"2\"/>",
            "x86_64",
        ),
    ];
    let members: [Part<'_>; 2] = [
        (&[], &[("primary", primary(&ours))]),
        (&[], &[("primary", primary(&theirs))]),
    ];
    let paths = |is_hosted| {
        let made = merge_as(Repodata.merge(NOW, ""), is_hosted, &members).expect("merged");
        let hrefs = list(&made, "primary").split("href=\"").skip(1);
        let paths = hrefs.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()));
        paths.collect::<Vec<String>>()
    };
    let all = [
        "a/1.rpm", "a/2.rpm", "b/1.rpm", "b/2.rpm", "b/3.rpm", "b/4.rpm",
    ];
    assert_eq!(paths(false), all, "of mirrors all are listed");
    let merged: Vec<_> = all.into_iter().filter(|path| *path != "b/1.rpm").collect();
    assert_eq!(paths(true), merged);
}

#[test]
fn all_spellings_of_a_hidden_name_are_hidden() {
    for name in [
        "ours",
        "o&#117;rs",
        "<![CDATA[ours]]>",
        " ours\n",
        "o<!-- x -->urs",
    ] {
        let written = package("ours", &at("x.rpm")).replace(">ours<", &format!(">{name}<"));
        let made = merge(&[(&["ours"], &[("primary", primary(&[written]))])]).expect("merged");
        assert!(list(&made, "primary").contains("packages=\"0\""), "{name}");
    }
    // Two answers to one question are no answer.
    let twice = [
        package("fine", &at("x.rpm")).replace("<name>", "<name>ours</name><name>"),
        package("fine", &(at("x.rpm") + &at("y.rpm"))),
        package("fine", &at("x.rpm")).replace("<package ", "<package name=\"x\" "),
    ];
    for package in twice {
        assert!(merge(&[(&["ours"], &[("primary", primary(&[package]))])]).is_err());
    }
    // Nor is no answer one.
    let nameless = package("x", &at("x.rpm")).replace("name>", "c:name>");
    let made = merge(&[(&["ours"], &[("primary", primary(&[nameless]))])]).expect("merged");
    assert!(list(&made, "primary").contains("packages=\"0\""));
}

#[test]
fn other_lists_are_merged() {
    let update = |name: &str| {
        format!(
            "<updates><update><pkglist><collection><package name=\"{name}\">\
                 <filename>f</filename></package><package name=\"{name}\"/>\
                 <package name=\"other\"/></collection></pkglist></update></updates>"
        )
    };
    let made = merge(&[
        (
            &[],
            &[
                ("updateinfo", update("ours").into()),
                ("modules", "---\na\n".into()),
                ("group_gz", "<comps><group/></comps>".into()),
            ],
        ),
        (
            &["ours"],
            &[
                ("updateinfo", update("ours").into()),
                ("modules", "b\n".into()),
                ("group", "<comps><category/></comps>".into()),
            ],
        ),
    ])
    .expect("merged");
    let merged = list(&made, "updateinfo");
    assert_eq!(
        (
            merged.matches("\"ours\"").count(),
            merged.matches("\"other\"").count()
        ),
        (2, 2),
        "{merged}"
    );
    assert_eq!(merged.matches("<update>").count(), 2, "{merged}");
    assert_eq!(list(&made, "modules"), "---\na\n\n---\nb\n\n");
    assert!(
        list(&made, "comps").contains("<comps>\n<group/>\n<category/>\n</comps>"),
        "{}",
        list(&made, "comps")
    );
}

#[test]
fn invalid_lists_are_refused() {
    let deep = format!(
        "<metadata>{}{}</metadata>",
        "<a>".repeat(100),
        "</a>".repeat(100)
    );
    for list in [
        "",
        "text",
        "<metadata>",
        "<metadata><package></metadata>",
        "<a/><b/>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a/>",
        &deep,
    ] {
        assert!(
            merge(&[(&[], &[("primary", Bytes::from(list.to_owned()))])]).is_err(),
            "{list}"
        );
    }
    let cut = crate::rpm::tests::GZIP;
    assert!(
        merge(&[(
            &[],
            &[("primary", Bytes::from_static(&cut[..cut.len() / 2]))]
        )])
        .is_err()
    );
    assert!(merge(&[(&[], &[("primary", Bytes::from_static(cut))])]).is_ok());
}

fn with_root(attributes: &str) -> Bytes {
    let body = package("fine", &at("fine.rpm"));
    format!("<metadata {attributes}>{body}</metadata>").into()
}

#[test]
fn a_prefix_adds_no_markup() {
    let root = "xmlns='c' xmlns:xml='x' xmlns:a<b='m' xmlns:ok-1.x='o' \
        xmlns:bad='m\"><package><y/></package><z'";
    let made = merge(&[(&[], &[("primary", with_root(root))])]).expect("merged");
    let primary = list(&made, "primary");
    let declared = " xmlns:bad=\"m&quot;&gt;&lt;package&gt;&lt;y/&gt;&lt;/package&gt;&lt;z\" \
        xmlns:ok-1.x=\"o\" packages=\"1\">";
    assert!(primary.contains(declared), "{primary}");
    assert_eq!(
        (
            primary.matches("<package").count(),
            primary.matches("xmlns:").count()
        ),
        (1, 3),
        "{primary}"
    );
    for value in ["", "a b", "&#1;"] {
        assert!(
            merge(&[(
                &[],
                &[("primary", with_root(&format!("xmlns:a='{value}'")))]
            )])
            .is_err(),
            "{value}"
        );
    }
    // Of two members the first says what a prefix stands for.
    let both: [Part<'_>; 2] = [
        (&[], &[("primary", with_root("xmlns:a='1'"))]),
        (&[], &[("primary", with_root("xmlns:a='2' xmlns:b='3'"))]),
    ];
    let made = merge(&both).expect("merged");
    assert!(
        list(&made, "primary").contains(" xmlns:a=\"1\" xmlns:b=\"3\" packages"),
        "{made:?}"
    );
}

#[test]
fn prefixes_and_packages_have_a_limit() {
    let prefixes = |count: usize| {
        (0..count)
            .map(|at| format!("xmlns:p{at}='x' "))
            .collect::<Vec<_>>()
            .concat()
    };
    assert!(merge(&[(&[], &[("primary", with_root(&prefixes(32)))])]).is_ok());
    assert!(merge(&[(&[], &[("primary", with_root(&prefixes(33)))])]).is_err());

    let few = || {
        Box::new(Merger {
            max_packages: 2,
            ..Merger::begin(NOW, "")
        })
    };
    let [one, two, three] =
        ["one", "two", "three"].map(|name| package(name, &at(&format!("{name}.rpm"))));
    let own = primary(&[one.clone(), two.clone()]);
    let same: [Part<'_>; 2] = [
        (&[], &[("primary", own.clone())]),
        (&[], &[("primary", primary(&[one, two]))]),
    ];
    assert!(merge_as(few(), false, &same).is_ok());
    let more: [Part<'_>; 2] = [
        (&[], &[("primary", own)]),
        (&[], &[("primary", primary(&[three]))]),
    ];
    let problem = merge_as(few(), false, &more).expect_err("three packages");
    assert!(problem.detail.contains("more than 2 packages"), "{problem}");
}

#[test]
fn groups_and_advisories_have_names_of_their_own() {
    let comps = "<!DOCTYPE comps PUBLIC \"-//Comps//EN\" \"comps.dtd\"><comps><group><id>core</id>\
                 <name>Core</name>\
                 <name xml:lang=\"de\">Kern</name><name xml:lang=\"fr\">Noyau</name><packagelist>\
                 <packagereq type=\"mandatory\">bash</packagereq></packagelist></group></comps>";
    let update = "<updates><update name=\"a\"><name>a</name><name>b</name>\
                  <checksum>1</checksum><checksum>2</checksum>\
                  <location href=\"../x\"/><location href=\"y\"/></update></updates>";
    let made = merge(&[(
        &[],
        &[("group", comps.into()), ("updateinfo", update.into())],
    )])
    .expect("merged");
    let text = list(&made, "comps");
    assert!(
        text.contains("<name>Core</name><name xml:lang=\"de\">Kern</name>")
            && text.contains("Noyau"),
        "{text}"
    );
    let text = list(&made, "updateinfo");
    assert!(
        text.contains("<location href=\"../x\"/><location href=\"y\"/>"),
        "{text}"
    );
}

#[test]
fn an_address_of_a_hidden_name_is_hidden() {
    let [ours, source, other] = [
        "a/ours-1-1.noarch.rpm",
        "ours-2-1.src.rpm",
        "ours-tools-1-1.noarch.rpm",
    ];
    let theirs = [
        package("x", &at(ours)),
        package("y", &at("o%75rs-2-1.src.rpm")),
        package("z", &at(other)),
    ];
    let made = merge(&[(&["ours"], &[("primary", primary(&theirs))])]).expect("merged");
    let merged = list(&made, "primary");
    assert!(
        !merged.contains(ours) && !merged.contains(source) && merged.contains(other),
        "{merged}"
    );
    assert!(merged.contains("packages=\"1\""), "{merged}");
}

#[test]
fn a_hidden_package_is_not_replaced() {
    let entry = |name: &str| format!("<rpm:entry name=\"{name}\" flags=\"LT\" ver=\"99\"/>");
    let all = ["ours", "o&#117;rs", "(ours or x)", "old"]
        .map(entry)
        .concat();
    for (obsoletes, provides) in [
        ("rpm:obsoletes", "rpm:provides"),
        ("more:obsoletes", "more:provides"),
    ] {
        let open = "<rpm:entry name=\"ours\"><x/></rpm:entry>";
        let format = format!(
            "<format><{obsoletes}/><{obsoletes}>{all}{open}</{obsoletes}>\
             <{provides}>{}</{provides}></format>",
            entry("ours")
        );
        let theirs = package("theirs", &(at("theirs.rpm") + &format));
        let made = merge(&[(&["ours"], &[("primary", primary(&[theirs]))])]).expect("merged");
        let left = format!(
            "<{obsoletes}/><{obsoletes}>{}</{obsoletes}><{provides}>{}</{provides}>",
            entry("old"),
            entry("ours")
        );
        assert!(
            list(&made, "primary").contains(&left),
            "{}",
            list(&made, "primary")
        );
    }
}

#[test]
fn a_name_has_no_elements_within() {
    for name in ["<b></b>ours", "ou<b/>rs", "x<b>ours</b>", "<b>x</b>ours"] {
        let written = package("ours", &at("x.rpm")).replace(">ours<", &format!(">{name}<"));
        assert!(
            merge(&[(&["ours"], &[("primary", primary(&[written]))])]).is_err(),
            "{name}"
        );
    }
}

/// What is listed is what was looked at, whatever else has its checksum.
#[test]
fn an_element_with_the_checksum_of_another_is_not_listed_in_its_place() {
    let element = |name: &str, path: &str| package(name, &at(path)).replace(&id(name), &id("both"));
    for path in ["private-9-1.x86_64.rpm", "harmless-1-1.x86_64.rpm"] {
        let list_of = primary(&[
            element("private", path),
            element("harmless", "harmless-1-1.x86_64.rpm"),
        ]);
        let made = merge(&[(&["private"], &[("primary", list_of)])]).expect("merged");
        let primary = list(&made, "primary");
        assert!(!primary.contains("private"), "{primary}");
        assert!(primary.contains("<name>harmless</name>"), "{primary}");
    }
}
