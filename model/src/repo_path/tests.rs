use super::*;

#[test]
fn text_and_back() {
    let path: RepoPath = "npm/docker.io".parse().expect("path");
    assert_eq!(path.to_string(), "npm/docker.io");
    assert_eq!(RepoPath::of("npm", "docker.io"), Some(path.clone()));
    let json = serde_json::to_string(&path).expect("JSON");
    assert_eq!(json, r#""npm/docker.io""#);
    assert_eq!(serde_json::from_str::<RepoPath>(&json).ok(), Some(path));
    for bad in [
        "", "team", "oci/", "/team", "ocy/team", "oci/Team", "oci/a/b",
    ] {
        assert!(bad.parse::<RepoPath>().is_err(), "{bad}");
    }
}
