use super::*;

fn access(kind: &str, name: &str, actions: &[&str]) -> Access {
    Access {
        kind: kind.into(),
        name: name.into(),
        actions: actions.iter().map(|&action| action.into()).collect(),
    }
}

fn parse(text: &str) -> Vec<Access> {
    super::parse([text].into_iter())
}

#[test]
fn scopes() {
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

#[test]
fn a_resource_has_one_entry_and_a_request_a_hundred() {
    let texts = [
        "repository:a/b:pull registry:catalog:*",
        "repository:a/b:push,pull",
    ];
    assert_eq!(
        super::parse(texts.into_iter()),
        [
            access("repository", "a/b", &["pull", "push"]),
            access("registry", "catalog", &["*"]),
        ]
    );
    let many: Vec<String> = (0..90)
        .map(|it| format!("repository:a/{it}:pull"))
        .collect();
    let others: Vec<String> = (90..500)
        .map(|it| format!("repository:a/{it}:pull"))
        .collect();
    let texts = [many.join(" "), others.join(" ")];
    assert_eq!(super::parse(texts.iter().map(|text| &**text)).len(), 100);
}
