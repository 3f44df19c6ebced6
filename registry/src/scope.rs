//! Scopes of Docker's token flow: `type(class):name:action,action`, joined by spaces.

use larder_access::token::Access;

/// Scopes of one request that are looked at.
const MAX: usize = 100;

/// Reads scopes. What is not understood is left out: a smaller grant is no error.
pub fn parse(text: &str) -> Vec<Access> {
    text.split(' ')
        .filter(|scope| !scope.is_empty())
        .take(MAX)
        .filter_map(one)
        .collect()
}

fn one(scope: &str) -> Option<Access> {
    // The name may hold colons (host:port/name): the type ends at the first, the actions begin
    // after the last.
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let kind = kind.split('(').next()?;
    let actions = actions
        .split(',')
        .filter(|action| !action.is_empty())
        .map(str::to_owned);
    (!name.is_empty()).then(|| Access {
        kind: kind.to_owned(),
        name: name.to_owned(),
        actions: actions.collect(),
    })
}

#[cfg(test)]
mod tests {
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
}
