//! Pages of lists.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The items, in the order of their keys.
    pub items: Vec<T>,
    /// What to ask for as `after` to get the page that follows; `null`: this is the last one.
    #[schema(required)]
    pub next: Option<String>,
}

impl<T> List<T> {
    /// All that there is.
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// A page, and the key after which the next one begins.
    pub const fn part(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next }
    }

    /// The page of `limit` items; `items` holds one more if the list goes on.
    pub fn of(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(key);
        Self { items, next }
    }
}

#[cfg(test)]
mod tests;
