use super::*;

#[test]
fn a_path_has_one_spelling() {
    for (address, path) in [
        ("team/tool", "team/tool"),
        ("team/to%6fl.git", "team/tool"),
        ("My%20Project/_git/repo", "My Project/_git/repo"),
        ("team/.profile.git", "team/.profile"),
        ("~me/a+b@c", "~me/a+b@c"),
        ("a%2Bb%40c", "a+b@c"),
        ("r%26d/%C3%BCber,1.git", "r&d/über,1"),
        ("%E6%97%A5%E6%9C%AC/x", "日本/x"),
        ("a/b.git/c", "a/b.git/c"),
    ] {
        let segments: Vec<&str> = address.split('/').collect();
        let read = read(&segments).unwrap_or_else(|| panic!("{address}"));
        assert_eq!(&*read, path);
        assert_eq!(named(path), Some(path));
        let written = written(&read);
        let again: Vec<&str> = written.split('/').collect();
        assert_eq!(super::read(&again).as_deref(), Some(path), "{written}");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+@/%".contains(&byte);
        assert!(written.bytes().all(is_plain), "{written}");
    }
    assert_eq!(written("My Project/_git/a'b"), "My%20Project/_git/a%27b");
}

#[test]
fn hostile_paths_are_of_no_repository() {
    for address in [
        "",
        "a//b",
        "..",
        "%2e%2e/x",
        "a/%2E%2e/b",
        ".git",
        "a/.git/b",
        "a/.Git",
        "a/.../b",
        "a%2Fb",
        "a%5Cb",
        "a%00b",
        "a%0ab",
        "a%7fb",
        "a%C2%85b",
        "a%E2%80%AEb",
        "a%E2%80%8Bb",
        "a%C2%A0b",
        "%20a",
        "a%20/b",
        "a%2525b",
        "a%3Ab",
        "a%3Fb",
        "a%2Ab",
        "a%22b",
        "a%60b",
        "a%FFb",
        "a%zzb",
        "a%23b",
        "a/b.git.git",
        "a/b.Git",
        "a/b%2EGIT.git",
    ] {
        let segments: Vec<&str> = address.split('/').collect();
        assert_eq!(read(&segments), None, "{address}");
    }
    assert_eq!(read(&[&"x".repeat(MAX_PATH + 1)]), None);
    assert_eq!(named("a/b.git"), Some("a/b"));
}
