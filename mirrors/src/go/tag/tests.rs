use super::super::testing::zip_of;
use super::*;
use crate::publishing::Piece;
use crate::tagged::Origin;
use bytes::Bytes as Data;
use larder_model::Timestamp;
use std::io::Cursor;

const ROOT: &str = "example.com/Team/tool";
const LINK: u32 = 0o120_777;

fn origin() -> Origin {
    Origin {
        system: "git",
        url: "https://larder.example/git/local/team/tool.git".to_owned(),
        reference: "refs/tags/v1.2.3".to_owned(),
        commit: "0123".to_owned(),
        committed_at: Timestamp(1_800_000_000_000_000),
    }
}

/// What comes of a tag, of files of a commit: those that are read besides are taken of them.
fn version(
    tag: &str,
    files: &[(&str, &str, u32)],
    package: Option<&str>,
) -> Result<(TaggedVersion, Vec<u8>), Problem> {
    let wanted = ModuleTags.wanted(tag)?;
    let find = |path: &String| {
        let found = files.iter().find(|(name, ..)| name == path);
        found.map(|(_, text, _)| Data::copy_from_slice(text.as_bytes()))
    };
    let tagged = Tagged {
        tag: tag.to_owned(),
        package: package.map(str::to_owned),
        files: wanted.files.iter().map(find).collect(),
        origin: origin(),
    };
    let version = ModuleTags.version(tagged)?;
    let body = [&zip_of(files)[..], &version.tail].concat();
    Ok((version, body))
}

fn steps(tag: &str, files: &[(&str, &str, u32)]) -> Result<Vec<Step>, Problem> {
    let (version, body) = version(tag, files, None)?;
    let limits = PublishLimits::default();
    let action = version.request.action;
    action.steps(&mut Cursor::new(body), &[], &limits)
}

/// The names in the zip file that is published.
fn names(tag: &str, files: &[(&str, &str, u32)]) -> Vec<String> {
    let steps = steps(tag, files).expect("steps");
    let Some(Step::Add {
        bytes: Bytes::Joined(pieces),
        ..
    }) = steps.first()
    else {
        panic!("{steps:?}");
    };
    let heads = pieces.iter().filter_map(|piece| match piece {
        Piece::Inline(bytes) => bytes.strip_prefix(b"PK\x03\x04"),
        Piece::Part(..) => None,
    });
    let name = |head: &[u8]| {
        let name = String::from_utf8(head[26..].to_vec()).expect("a name");
        let (_, below) = name.split_once("@v").expect("a version");
        let (_, path) = below.split_once('/').expect("a folder");
        path.to_owned()
    };
    heads.map(name).collect()
}

fn why(result: Result<impl Sized, Problem>) -> String {
    let problem = result.err().expect("a problem");
    problem.detail.to_string()
}

#[test]
fn tags_are_versions_of_the_module_in_their_folder() {
    let wanted = |tag| ModuleTags.wanted(tag).expect("a version");
    assert_eq!(wanted("v1.2.3").folder, "");
    assert_eq!(wanted("v1.2.3").files, ["LICENSE", "go.mod"]);
    let below = wanted("sub/dir/v2.0.0-rc.1");
    assert_eq!(below.folder, "sub/dir");
    let files = ["LICENSE", "sub/dir/go.mod", "sub/dir/v2/go.mod"];
    assert_eq!(below.files, files);
    for tag in [
        "",
        "main",
        "v1",
        "v1.2",
        "1.2.3",
        "v01.2.3",
        "v1.2.3+meta",
        "v2.0.0+incompatible",
        "v1.2.3/sub",
        "v0.0.0-20261129101112-0123456789ab",
    ] {
        let told = why(ModuleTags.wanted(tag));
        assert!(told.contains("sub/folder/v1.2.3"), "{tag}: {told}");
    }
}

#[test]
fn a_module_has_the_files_that_the_client_takes() {
    let root = format!("module {ROOT}\n\ngo 1.23\n");
    let sub = format!("module {ROOT}/sub\n\ngo 1.24.1\n");
    let files = [
        (".gitattributes", "", 0),
        (".hg_archival.txt", "", 0),
        ("LICENSE", "free", 0),
        ("a.go", "package a\n", 0),
        ("a/vendor/modules.txt", "", 0),
        ("a/vendor/x/x.go", "", 0),
        ("deep/GO.MOD", "module other\n", 0),
        ("deep/d.go", "", 0),
        ("go.mod", &*root, 0),
        ("link.go", "a.go", LINK),
        ("linked/go.mod", "a", LINK),
        ("linked/l.go", "", 0),
        ("longer/v/vendor/v.go", "", 0),
        ("sub/go.mod", &*sub, 0),
        ("sub/s.go", "", 0),
        ("sub/vendor/modules.txt", "", 0),
        ("vendor/modules.txt", "", 0),
        ("vendor/x/x.go", "", 0),
    ];
    let expected = [
        ".gitattributes",
        "LICENSE",
        "a.go",
        "go.mod",
        "linked/l.go",
        "vendor/modules.txt",
    ];
    assert_eq!(names("v1.0.0", &files), expected);
    // A licence is that of the whole, where the folder has none.
    assert_eq!(names("sub/v1.0.0", &files), ["LICENSE", "go.mod", "s.go"]);
    let own = [&files[..], &[("sub/LICENSE", "own", 0)]].concat();
    assert_eq!(names("sub/v1.0.0", &own), ["LICENSE", "go.mod", "s.go"]);
    let linked = [&files[..], &[("sub/LICENSE", "../LICENSE", LINK)]].concat();
    assert_eq!(names("sub/v1.0.0", &linked), ["go.mod", "s.go"]);
}

#[test]
fn the_module_of_a_major_version_is_in_either_folder() {
    let one = format!("module {ROOT}\n");
    let two = format!("module {ROOT}/v2\n");
    let below = ("v2/go.mod", &*two, 0);
    let (one, two) = (("go.mod", &*one, 0), ("go.mod", &*two, 0));
    let of = |tag, files: &[(&str, &str, u32)]| {
        let found = version(tag, files, None).map(|(version, _)| version);
        found.map(|version| (version.request.package.to_string(), version.version))
    };
    let expected = (format!("{ROOT}/v2"), "v2.0.0".to_owned());
    assert_eq!(of("v2.0.0", &[two]).expect("a module"), expected);
    assert_eq!(of("v2.0.0", &[one, below]).expect("a module"), expected);
    assert!(why(of("v2.0.0", &[two, below])).contains("one of them has to go"));
    assert!(why(of("v2.0.0", &[one])).contains("the last element of the path"));
    assert!(why(of("v1.0.0", &[two])).contains("the last element of the path"));
    assert!(why(of("sub/v1.0.0", &[one])).contains("no sub/go.mod"));
}

#[test]
fn who_asks_says_the_path_where_the_sources_do_not() {
    let files = [("a.go", "package a\n", 0)];
    let of = |tag, package| {
        let found = version(tag, &files, package).map(|(version, _)| version);
        found.map(|version| version.version)
    };
    assert!(why(of("v1.0.0", None)).contains("say it as the package"));
    assert_eq!(of("v1.0.0", Some(ROOT)).expect("a version"), "v1.0.0");
    let old = of("v2.1.0", Some(ROOT)).expect("a version");
    assert_eq!(old, "v2.1.0+incompatible");
    assert!(why(of("v2.1.0", Some("example.com/a/v2"))).contains("needs a go.mod"));
    assert!(why(of("v2.1.0", Some("no path"))).contains("needs a go.mod"));
    let go_mod = format!("module {ROOT}\n");
    let files = [("go.mod", &*go_mod, 0)];
    let other = version("v1.0.0", &files, Some("example.com/other"));
    assert!(why(other).contains("and not of example.com/other"));
}

#[test]
fn what_clients_would_refuse_is_refused() {
    let go_mod = format!("module {ROOT}\n");
    for (name, mode, told) in [
        ("aux.go", 0, "not every system takes"),
        ("Go.mod", 0, "in other letters"),
        ("A/b.go", 0, "where case does not count"),
        ("bad?.go", LINK, "not every system takes"),
    ] {
        let mut files = vec![("a/b.go", "", 0), ("go.mod", &*go_mod, 0), (name, "", mode)];
        files.sort_unstable();
        let refused = why(steps("v1.0.0", &files));
        assert!(refused.contains(told), "{name}: {refused}");
    }
}

#[test]
fn the_commit_tells_when_a_version_was_made_and_of_what() {
    let go_mod = format!("module {ROOT}/sub\n");
    let steps = steps("sub/v1.2.3", &[("sub/go.mod", &*go_mod, 0)]).expect("steps");
    let Some(Step::Add {
        bytes: Bytes::Inline(info),
        path,
        ..
    }) = steps.last()
    else {
        panic!("{steps:?}");
    };
    assert_eq!(path, "v1.2.3.info");
    let info: serde_json::Value = serde_json::from_slice(info).expect("JSON");
    let expected = serde_json::json!({
        "Version": "v1.2.3",
        "Time": "2027-01-15T08:00:00Z",
        "Origin": {
            "VCS": "git",
            "URL": "https://larder.example/git/local/team/tool.git",
            "Subdir": "sub",
            "Ref": "refs/tags/v1.2.3",
            "Hash": "0123",
        },
    });
    assert_eq!(info, expected);
}
