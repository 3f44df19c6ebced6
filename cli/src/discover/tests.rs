use super::*;
use crate::outcome::View;
use larder_discover::Machine;

#[test]
fn passwords_are_hidden_and_nothing_is_told_with_its_remedy() {
    let folder = tempfile::tempdir().expect("folder");
    let variables = [
        ("PATH", folder.path().to_str().expect("path")),
        (
            "PIP_INDEX_URL",
            "https://me:hunter2@registry.example/simple",
        ),
        ("npm_config_registry", "https://hunter2@registry.example"),
    ];
    let machine = Machine::new(
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())),
        folder.path().into(),
    );
    let outcome = told(&larder_discover::discover(&machine, LIMIT));
    let json = outcome.json.expect("JSON");
    let items = json["items"].as_array().expect("items");
    let View::Text(shown) = outcome.view else {
        panic!("no text")
    };
    assert!(
        !json.to_string().contains("hunter2") && !shown.contains("hunter2"),
        "{shown}"
    );
    for part in [
        "npm       https://token:***@registry.example/",
        "pypi      https://me:***@registry.example/simple/",
        "cargo     -",
        "nothing found; set it with larder repo set cargo/upstream --upstream URL",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    let pypi = items
        .iter()
        .find(|item| item["protocol"] == "pypi")
        .expect("pypi");
    assert_eq!(
        (&pypi["url"], &pypi["has_password"]),
        (&json!("https://registry.example/simple/"), &json!(true))
    );
}
