//! Without a checksum database the first contents of a version stay, whatever the upstream sends later.

use super::bed::{Bed, DEMO, SAYS};
use larder_tests::modules::{Modules, plain};

const PATH: &str = "/go/upstream/demo.example/demo/@v/v1.0.0";

#[test]
fn a_program_is_built_and_a_moved_tag_moves_nothing() {
    let Some(bed) = Bed::without() else { return };
    let home = bed.home("main").with("GOSUMDB", "off");
    let at = home.program("user", &[(DEMO, "v1.0.0")], SAYS);
    home.run(&at, &["mod", "tidy"]);
    home.run(&at, &["build", "."]);
    for ending in [".zip", ".mod", ".info"] {
        let path = Modules::path(DEMO, &format!("v1.0.0{ending}"));
        bed.upstream.put(&path, "moved");
    }
    home.run(&at, &["clean", "-modcache"]);
    let told = home.run(&at, &["run", "."]);
    assert!(told.contains("demo of theirs"), "{told}");
    // A tag that is gone upstream is gone from its list, and what is kept of it stays.
    for path in bed.upstream.paths() {
        bed.upstream.remove(&path);
    }
    home.run(&at, &["clean", "-modcache"]);
    home.run(&at, &["build", "."]);
}

#[test]
fn what_no_client_takes_is_not_kept() {
    let Some(bed) = Bed::without() else { return };
    let zip = Modules::path(DEMO, "v1.0.0.zip");
    let honest = bed.upstream.body(&zip);
    let anonymous = bed.larder.anonymous();
    let name = format!("{DEMO}@v1.0.0");
    let file = |path: &str| format!("{name}/{path}");
    let hostile: [Vec<u8>; 6] = [
        b"<html>Sign in</html>".to_vec(),
        honest[..honest.len() - 10].to_vec(),
        plain(DEMO, "v1.0.1", "of another version"),
        larder_tests::archive::zip(&[(&file("a.go"), b""), (&file("A.go"), b"")]),
        larder_tests::archive::zip(&[(&file("../../a.go"), b"")]),
        larder_tests::archive::zip(&[("a.go", b"")]),
    ];
    for body in hostile {
        bed.upstream.put(&zip, body);
        anonymous.get(&format!("{PATH}.zip")).expect(502);
    }
    for (ending, body) in [
        (".mod", "<html>Sign in</html>"),
        (".info", "<html>Sign in</html>"),
        (".info", r#"{"Version":"v1.0.1"}"#),
    ] {
        let path = Modules::path(DEMO, &format!("v1.0.0{ending}"));
        bed.upstream.put(&path, body);
        anonymous.get(&format!("{PATH}{ending}")).expect(502);
    }
    bed.upstream
        .put(&Modules::path(DEMO, "list"), "<html>Sign in</html>");
    anonymous
        .get("/go/upstream/demo.example/demo/@v/list")
        .expect(502);
    bed.upstream.put(&zip, honest.clone());
    assert_eq!(
        anonymous.get(&format!("{PATH}.zip")).expect(200).body,
        honest
    );
}

#[test]
fn lost_bytes_come_again_if_they_are_the_same_contents() {
    let Some(bed) = Bed::without() else { return };
    let zip = Modules::path(DEMO, "v1.0.0.zip");
    // Large enough to be a file of its own.
    let large = "x".repeat(200_000);
    let go_mod = format!("module {DEMO}\n");
    let packed = |version: &str, word: &str| {
        let files = [("go.mod", &*go_mod), ("a.go", &*large), ("b.go", word)];
        larder_tests::modules::zip(DEMO, version, &files)
    };
    bed.upstream.put(&zip, packed("v1.0.0", "one"));
    // Another file stays: a store without any is taken for the wrong one.
    let other = packed("v1.1.0", "the other");
    bed.upstream.put(&Modules::path(DEMO, "v1.1.0.zip"), other);
    let anonymous = bed.larder.anonymous();
    // It is kept behind its first answer.
    let kept = |path: &str| loop {
        let answer = anonymous.get(path).expect(200);
        if answer.header("cache-status") == Some("larder; hit") {
            break answer.body;
        }
    };
    let path = format!("{PATH}.zip");
    kept("/go/upstream/demo.example/demo/@v/v1.1.0.zip");
    let first = kept(&path);
    lose(&bed.larder.data().join("storage/blobs"), first.len());
    bed.upstream.put(&zip, packed("v1.0.0", "two"));
    // The first reader finds that it is damaged; other contents do not take its place.
    let answers: Vec<u16> = (0..3).map(|_| anonymous.get(&path).status).collect();
    assert!(answers.iter().all(|status| *status >= 500), "{answers:?}");
    let files = [("b.go", "one"), ("go.mod", &*go_mod), ("a.go", &*large)];
    let repacked = larder_tests::modules::zip(DEMO, "v1.0.0", &files);
    assert_ne!(repacked, first);
    bed.upstream.put(&zip, repacked.clone());
    assert_eq!(anonymous.get(&path).expect(200).body, repacked);
}

/// Removes the objects of a store that have this size.
fn lose(blobs: &std::path::Path, size: usize) {
    let mut folders = vec![blobs.to_path_buf()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::metadata(&path).expect("object").len() == size as u64 {
                std::fs::remove_file(path).expect("object");
                count += 1;
            }
        }
    }
    assert_eq!(count, 1, "objects of {size} bytes");
}
