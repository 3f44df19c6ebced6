//! Scopes of Docker's token flow: `type(class):name:action,action`, joined by spaces.

use larder_access::token::Access;

/// Scopes of one request that are looked at.
const MAX: usize = 100;

/// Reads the scopes of a request, one entry a resource, as the specification wants it. What is not
/// understood, and what comes after the first hundred, is left out: a smaller grant is no error.
pub fn parse<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Access> {
    let scopes = texts.flat_map(|text| text.split(' '));
    let scopes = scopes.filter(|scope| !scope.is_empty()).take(MAX);
    merged(scopes.filter_map(one))
}

fn merged(wanted: impl Iterator<Item = Access>) -> Vec<Access> {
    let mut merged: Vec<Access> = Vec::new();
    for access in wanted {
        let same = |other: &&mut Access| other.kind == access.kind && other.name == access.name;
        match merged.iter_mut().find(same) {
            Some(other) => {
                let is_new = |action: &String| !other.actions.contains(action);
                let new: Vec<_> = access.actions.into_iter().filter(is_new).collect();
                other.actions.extend(new);
            }
            None => merged.push(access),
        }
    }
    merged
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
