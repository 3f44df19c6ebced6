use super::*;

/// Puts lines into a text, takes them out again, and gives what they were there with.
#[track_caller]
fn there_and_back(style: Style, text: &str, wanted: &[&str]) -> String {
    let marks = Marks::of("x");
    let wanted: Vec<String> = wanted.iter().map(|line| (*line).to_owned()).collect();
    let new = put(style, text, &wanted, &marks).expect("put");
    assert!(satisfied(style, &new, &wanted), "{new}");
    assert!(!satisfied(style, text, &wanted), "{text}");
    assert_eq!(marks.take(&new).as_deref(), Ok(text), "{new}");
    let comment = |line: &&str| !line.starts_with("# >>>") && !line.starts_with("# <<<");
    let lines = new
        .lines()
        .filter(comment)
        .map(|line| line.replace("# larder connect x replaces: ", "#-"));
    lines.collect::<Vec<_>>().join("|")
}

#[test]
fn keys_without_sections() {
    let npmrc = "@acme:registry=https://a.example/\nregistry = https://old.example/\n; a note";
    let wanted = [
        "registry=https://new.example/",
        "replace-registry-host=always",
    ];
    assert_eq!(
        there_and_back(Style::Npmrc, npmrc, &wanted),
        "registry=https://new.example/|replace-registry-host=always|\
         @acme:registry=https://a.example/|#-registry = https://old.example/|; a note"
    );
    assert_eq!(
        there_and_back(Style::Npmrc, "", &wanted[..1]),
        "registry=https://new.example/"
    );
    assert_eq!(
        there_and_back(
            Style::Yarnrc,
            "registry \"https://a.example/\"\nlastUpdateCheck 1\n",
            &["registry \"b\""]
        ),
        "registry \"b\"|#-registry \"https://a.example/\"|lastUpdateCheck 1"
    );
    let yaml = "nodeLinker: node-modules\nnpmRegistryServer: \"https://a.example\"";
    assert_eq!(
        there_and_back(
            Style::Yaml,
            yaml,
            &[
                "npmRegistryServer: \"b\"",
                "unsafeHttpWhitelist:",
                "  - \"c\""
            ]
        ),
        "nodeLinker: node-modules|#-npmRegistryServer: \"https://a.example\"|npmRegistryServer: \"b\"|\
         unsafeHttpWhitelist:|  - \"c\""
    );
    let list = "unsafeHttpWhitelist:\n  - \"mine\"\n";
    let wanted = ["unsafeHttpWhitelist:".to_owned(), "  - \"c\"".to_owned()];
    let refused = put(Style::Yaml, list, &wanted, &Marks::of("x"));
    assert_eq!(
        refused,
        Err("unsafeHttpWhitelist has a list of its own".to_owned())
    );
}

#[test]
fn keys_in_sections() {
    let pip = "[install]\nno-cache = true\n[global]\nindex_url =\n    https://a.example/simple\ntimeout = 5\n";
    assert_eq!(
        there_and_back(
            Style::Ini,
            pip,
            &["[global]", "index-url = b", "trusted-host = c"]
        ),
        "[install]|no-cache = true|[global]|index-url = b|trusted-host = c|#-index_url =|\
         #-    https://a.example/simple|timeout = 5"
    );
    assert_eq!(
        there_and_back(
            Style::Ini,
            "[install]\nx = 1",
            &["[global]", "index-url = b"]
        ),
        "[install]|x = 1|[global]|index-url = b"
    );
    let pypirc = "[distutils]\nindex-servers =\n    corp\n    other\n[corp]\nrepository = r\n";
    assert_eq!(
        there_and_back(
            Style::Ini,
            pypirc,
            &[
                "[distutils]",
                "index-servers = larder",
                "[larder]",
                "repository = s"
            ]
        ),
        "[distutils]|index-servers =|    larder|    corp|    other|#-index-servers =|#-    corp|\
         #-    other|[corp]|repository = r|[larder]|repository = s"
    );
    let twice = "[global]\na=1\n[global]\nb=2\n";
    let wanted = ["[global]".to_owned(), "index-url = b".to_owned()];
    assert!(put(Style::Ini, twice, &wanted, &Marks::of("x")).is_err());
}
