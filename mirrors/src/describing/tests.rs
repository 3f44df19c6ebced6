use super::*;

#[test]
fn a_long_readme_is_cut_between_characters() {
    let text = "\u{feff}".to_owned() + &"é".repeat(MAX_README_BYTES);
    let readme = Readme::new(ReadmeFormat::Markdown, &text).expect("a readme");
    assert!(readme.truncated);
    assert_eq!(readme.text.len(), MAX_README_BYTES);
    let whole = Readme::new(ReadmeFormat::Plain, "all of it").expect("a readme");
    assert!(!whole.truncated);
    assert_eq!(Readme::new(ReadmeFormat::Plain, " \n"), None);
}

#[test]
fn formats_are_told_by_endings() {
    for (name, format) in [
        ("README.md", ReadmeFormat::Markdown),
        ("Readme.MARKDOWN", ReadmeFormat::Markdown),
        ("README.rst", ReadmeFormat::RestructuredText),
        ("README", ReadmeFormat::Plain),
        ("README.html", ReadmeFormat::Plain),
    ] {
        assert_eq!(ReadmeFormat::of_file(name), format, "{name}");
    }
}

#[test]
fn links_lead_to_the_web_alone() {
    let mut about = About::default();
    for url in [
        "javascript:alert(1)",
        "java\nscript://x",
        "data:text/html,x",
        "//host.example/",
        "ftp://host.example/",
        "https://host.example/a b",
        "https://host.example/\u{7}",
        "",
    ] {
        about.link("homepage", url);
    }
    assert_eq!(about.links, []);
    about.link("homepage", " HTTPS://host.example/x ");
    about.link("repository", "HTTPS://host.example/x");
    assert_eq!(about.links.len(), 1);
}

#[test]
fn what_a_document_tells_comes_first() {
    let about = |license: Option<&str>, summary: Option<&str>| About {
        license: license.map(str::to_owned),
        summary: summary.map(str::to_owned),
        ..About::default()
    };
    let all = joined(
        Some(about(Some("MIT"), None)),
        Some(about(Some("ISC"), Some("x"))),
    );
    assert_eq!(all, about(Some("MIT"), Some("x")));
    let long = about(Some(&"x".repeat(10_000)), Some(" "));
    let bounded = joined(None, Some(long));
    assert_eq!(bounded.license.expect("a licence").len(), MAX_TEXT_BYTES);
    assert_eq!(bounded.summary, None);
}
