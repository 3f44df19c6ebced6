use super::*;

#[test]
fn a_file_is_told_by_its_name() {
    for (path, end) in [
        ("/a/b/demo-1.0.tgz", "demo-1.0.tgz"),
        ("/a/demo-1.0.tgz/", "demo-1.0.tgz"),
        ("/crates/demo/1.0.0/download", "demo/1.0.0/download"),
        ("/blobs/ab", "blobs/ab"),
        ("/", ""),
    ] {
        assert_eq!(end_of(path), end, "{path}");
    }
}
