use super::*;

#[test]
fn scopes() {
    let access = |kind: &str, name: &str, actions: &[&str]| Access {
        kind: kind.into(),
        name: name.into(),
        actions: actions.iter().map(|&action| action.into()).collect(),
    };
    assert_eq!(
        parse("repository:a/b:pull,push"),
        [access("repository", "a/b", &["pull", "push"])]
    );
    assert_eq!(
        parse("repository(plugin):a/b:pull"),
        [access("repository", "a/b", &["pull"])]
    );
    assert_eq!(
        parse("repository:h:5000/a:pull"),
        [access("repository", "h:5000/a", &["pull"])]
    );
    assert_eq!(
        parse("registry:catalog:* repository:a/b:"),
        [
            access("registry", "catalog", &["*"]),
            access("repository", "a/b", &[]),
        ]
    );
    for bad in [
        "",
        " ",
        "repository",
        "repository:",
        "repository::pull",
        ":::",
    ] {
        assert!(parse(bad).iter().all(|access| access.name == ":"), "{bad}");
    }
}
