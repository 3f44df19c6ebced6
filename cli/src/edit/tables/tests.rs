use super::*;

#[track_caller]
fn there_and_back(text: &str, wanted: &str) -> String {
    let marks = Marks::of("x");
    let wanted: Vec<String> = wanted.lines().map(str::to_owned).collect();
    assert!(!satisfied(text, &wanted), "{text}");
    let new = put(text, &wanted, &marks).expect("put");
    assert!(satisfied(&new, &wanted), "{new}");
    assert_eq!(marks.take(&new).as_deref(), Ok(text), "{new}");
    let mark = |line: &&str| !line.starts_with("# >>>") && !line.starts_with("# <<<");
    let lines = new.lines().filter(mark);
    let lines = lines.map(|line| line.replace("# larder connect x replaces: ", "#-"));
    lines.collect::<Vec<_>>().join("|")
}

#[test]
fn tables_are_gone_into_or_added() {
    let cargo = "[build]\njobs = 2\n\n[source . \"crates-io\"] # mine\nreplace-with = \"old\"\n\
                 [source.old]\nregistry = \"https://a.example\"";
    let wanted =
        "[source.crates-io]\nreplace-with = \"larder\"\n[source.larder]\nregistry = \"sparse+b\"";
    assert_eq!(
        there_and_back(cargo, wanted),
        "[build]|jobs = 2||[source . \"crates-io\"] # mine|replace-with = \"larder\"|#-replace-with = \"old\"|\
         [source.old]|registry = \"https://a.example\"|[source.larder]|registry = \"sparse+b\""
    );
    assert_eq!(there_and_back("", wanted), wanted.replace('\n', "|"));
    let hosts = "server = \"https://a.example\"\n[host.\"https://a.example\"]\ncapabilities = [\n  \"pull\",\n]\n";
    let wanted =
        "server = \"https://b.example\"\n[host.\"https://a.example\"]\ncapabilities = [\"push\"]";
    assert_eq!(
        there_and_back(hosts, wanted),
        "server = \"https://b.example\"|#-server = \"https://a.example\"|[host.\"https://a.example\"]|\
         capabilities = [\"push\"]|#-capabilities = [|#-  \"pull\",|#-]"
    );
}

#[test]
fn one_index_alone_is_the_default_and_asked_after_none_that_was() {
    let uv = "index-url = \"https://o.example\"\nnative-tls = true\n[[index]]\nname = \"corp\"\n\
              url = \"https://c.example\"\n[[index]] # theirs\nname = \"old\"\ndefault = true\n\
              url = \"https://a.example\"\n";
    let wanted = "[[index]]\nname = \"larder\"\nurl = \"https://b.example\"\ndefault = true";
    assert_eq!(
        there_and_back(uv, wanted),
        "#-index-url = \"https://o.example\"|native-tls = true|[[index]]|name = \"corp\"|\
         url = \"https://c.example\"|#-[[index]] # theirs|#-name = \"old\"|#-default = true|\
         #-url = \"https://a.example\"|[[index]]|name = \"larder\"|url = \"https://b.example\"|default = true"
    );
}

#[test]
fn what_cannot_be_edited_safely_is_refused() {
    let wanted = "[source.crates-io]\nreplace-with = \"larder\"";
    for (text, wanted, why) in [
        ("source = 1 1", wanted, "it is no valid TOML (line 1)"),
        (
            "source.crates-io.replace-with = \"a\"\n",
            wanted,
            "it is no valid TOML",
        ),
        (
            "source = { crates-io = { replace-with = \"a\" } }\n",
            wanted,
            "it is no valid TOML",
        ),
        (
            "[[index]]\nname = \"larder\"\nurl = \"x\"\n",
            "[[index]]\nname = \"larder\"\nurl = \"y\"",
            "it has one with name = \"larder\" already",
        ),
        (
            "[[registry]]\nprefix = \"docker.io\"\n",
            "[[registry]]\nprefix = \"docker.io\"\nlocation = \"y\"",
            "it has one with prefix = \"docker.io\" already",
        ),
        (
            "x = \"\"\"\n[source.crates-io]\n\"\"\"\n",
            wanted,
            "line 1 is no TOML",
        ),
    ] {
        let wanted: Vec<String> = wanted.lines().map(str::to_owned).collect();
        let refused = put(text, &wanted, &Marks::of("x")).expect_err(text);
        assert!(refused.starts_with(why), "{text}: {refused}");
    }
}
