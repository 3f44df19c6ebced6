use super::*;

const ONE: &str = "1111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222";

fn refs() -> Refs {
    let oid = |text: &str| text.parse::<Oid>().expect("a name");
    let mut refs = Refs {
        head: Some("refs/heads/main".parse().expect("a name")),
        ..Refs::default()
    };
    let mut add = |name: &str, target: &str, peeled: Option<&str>| {
        let (oid, peeled) = (oid(target), peeled.map(oid));
        refs.names
            .insert(name.parse().expect("a name"), Target { oid, peeled });
    };
    add("refs/heads/main", ONE, None);
    add("refs/tags/v1", TWO, Some(ONE));
    refs
}

#[test]
fn what_is_advertised_is_read_again() {
    let written = advertise(
        Service::UploadPack,
        Version::V0,
        ObjectFormat::Sha1,
        &refs(),
    );
    let text = String::from_utf8_lossy(&written);
    assert!(
        text.starts_with("001e# service=git-upload-pack\n0000"),
        "{text}"
    );
    assert!(
        text.contains(" HEAD\0") && text.contains("symref=HEAD:refs/heads/main"),
        "{text}"
    );
    assert!(
        text.contains(&format!("{ONE} refs/tags/v1^{{}}\n")),
        "{text}"
    );
    let Advertised::Refs {
        refs: read, format, ..
    } = read(&written).expect("refs")
    else {
        panic!("no refs");
    };
    assert_eq!((read, format), (refs(), ObjectFormat::Sha1));
}

#[test]
fn clients_of_version_2_learn_what_can_be_done_first() {
    let written = advertise(
        Service::UploadPack,
        Version::V2,
        ObjectFormat::Sha256,
        &refs(),
    );
    let told = read(&written).expect("commands");
    let filters = true;
    let format = ObjectFormat::Sha256;
    assert_eq!(told, Advertised::Commands { format, filters });
}

#[test]
fn who_pushes_sees_refs_alone() {
    let written = advertise(
        Service::ReceivePack,
        Version::V2,
        ObjectFormat::Sha1,
        &refs(),
    );
    let text = String::from_utf8_lossy(&written);
    assert!(
        text.contains("report-status-v2") && !text.contains("HEAD"),
        "{text}"
    );
    assert!(!text.contains(PEELED), "{text}");
    let empty = advertise(
        Service::ReceivePack,
        Version::V0,
        ObjectFormat::Sha1,
        &Refs::default(),
    );
    let zero = "0".repeat(40);
    assert!(String::from_utf8_lossy(&empty).contains(&format!("{zero} capabilities^{{}}\0")));
}

#[test]
fn head_without_a_symref_is_the_branch_that_is_the_same() {
    let line = |text: &str| {
        let mut lines = Writer::default();
        lines.line(text);
        lines.into_bytes()
    };
    let told = |other: &str| {
        [
            line(&format!("{ONE} HEAD\0multi_ack")),
            line(&format!("{ONE} refs/heads/a")),
            line(&format!("{ONE} refs/heads/{other}")),
            b"0000".to_vec(),
        ]
        .concat()
    };
    let head = |body: Vec<u8>| match read(&body).expect("refs") {
        Advertised::Refs { refs, .. } => refs.head.map(|name| name.to_string()),
        Advertised::Commands { .. } => None,
    };
    assert_eq!(head(told("master")).as_deref(), Some("refs/heads/master"));
    assert_eq!(head(told("b")).as_deref(), Some("refs/heads/a"));
}

#[test]
fn what_is_no_advertisement_is_refused() {
    let page = b"<!doctype html><title>Sign in</title>".as_slice();
    let half = &advertise(
        Service::UploadPack,
        Version::V0,
        ObjectFormat::Sha1,
        &refs(),
    )[..80];
    for bad in [
        page,
        half,
        b"",
        b"0000",
        b"000eversion 2\n0000",
        b"0009xyz\n\n0000",
    ] {
        let refused = read(bad);
        let kind = refused.as_ref().map_err(|problem| problem.kind);
        let is_empty = bad == b"0000"; // a repository without commits may be told so
        assert!(
            is_empty || kind == Err(Kind::Upstream),
            "{bad:?}: {refused:?}"
        );
    }
}
