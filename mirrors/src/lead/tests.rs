use super::*;

#[test]
fn a_repository_of_an_upstream_is_had_below_its_mirror() {
    let lead = Lead {
        upstream: "https://code.example/".to_owned(),
        path: "/git/code".to_owned(),
    };
    for (url, path) in [
        (
            "https://code.example/acme/tool.git",
            "/git/code/acme/tool.git",
        ),
        ("https://code.example/acme/tool", "/git/code/acme/tool.git"),
        ("https://code.example/acme/tool/", "/git/code/acme/tool.git"),
        (
            "HTTPS://Code.Example:443/Acme/tool.git",
            "/git/code/Acme/tool.git",
        ),
        (
            "https://code.example/My%20Project/_git/tool",
            "/git/code/My%20Project/_git/tool.git",
        ),
    ] {
        assert_eq!(lead.to(url).as_deref(), Some(path), "{url}");
    }
    for url in [
        "",
        "https://code.example/",
        "https://code.example/.git",
        "https://code.example/a/../b",
        "https://code.example/a//b",
        "https://code.example/a?b",
        "https://code.example/a%2Fb",
        "https://code.example.evil/acme/tool",
        "https://me@code.example/acme/tool",
        "http://code.example/acme/tool",
        "ssh://code.example/acme/tool",
        "git@code.example:acme/tool.git",
    ] {
        assert_eq!(lead.to(url), None, "{url}");
    }
}

#[test]
fn an_upstream_may_be_a_folder_of_a_server() {
    let lead = Lead {
        upstream: "http://code.example:8080/team/".to_owned(),
        path: "/git/team".to_owned(),
    };
    let to = |url| lead.to(url);
    assert_eq!(
        to("http://code.example:8080/team/tool.git").as_deref(),
        Some("/git/team/tool.git")
    );
    assert_eq!(to("http://code.example:8080/teams/tool.git"), None);
    assert_eq!(to("http://code.example/team/tool.git"), None);
}
