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
mod tests;
