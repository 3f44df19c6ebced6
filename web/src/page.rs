//! Pages of lists: `?limit=&after=` and `{"items":[…],"next":CURSOR|null}`.

use crate::query::Query;
use larder_model::Problem;
use serde::Serialize;

/// Items in one answer if nothing else is asked for, and at most.
const DEFAULT: usize = 100;
const MAX: usize = 1000;

/// The part of a list that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many items at most.
    pub limit: usize,
    /// After the item of this key; empty: from the start.
    pub after: String,
}

impl Page {
    pub(crate) fn read(query: &mut Query) -> Result<Self, Problem> {
        let bad = || Problem::invalid("limit", format!("limit is a whole number from 1 to {MAX}"));
        let limit = match query.take("limit") {
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX).contains(limit))
                .ok_or_else(bad)?,
            None => DEFAULT,
        };
        Ok(Self {
            limit,
            after: query.take("after").unwrap_or_default(),
        })
    }

    /// `after` where the key is an id; 0 for the start.
    pub(crate) fn after_id(&self) -> Result<i64, Problem> {
        if self.after.is_empty() {
            return Ok(0);
        }
        self.after
            .parse()
            .map_err(|_| Problem::invalid("after", "after is the `next` of the page before"))
    }
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    items: Vec<T>,
    /// The key of the last item, if more follow.
    next: Option<String>,
}

impl<T> List<T> {
    /// All that there is.
    pub(crate) const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// A page, and the key after which the next one begins.
    pub(crate) const fn part(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next }
    }

    /// The page of `limit` items; `items` holds one more if the list goes on.
    pub(crate) fn of(mut items: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(key);
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Result<Page, Problem> {
        Page::read(&mut Query::read(query).expect("query"))
    }

    #[test]
    fn limits_and_cursors() {
        assert_eq!(
            page("").expect("page"),
            Page {
                limit: 100,
                after: String::new()
            }
        );
        assert_eq!(
            page("limit=1000&after=x").expect("page"),
            Page {
                limit: 1000,
                after: "x".into()
            }
        );
        for bad in [
            "limit=0",
            "limit=1001",
            "limit=x",
            "limit=",
            "limit=-1",
            "limit=99999999999999999999",
        ] {
            assert_eq!(page(bad).expect_err("bad").about, "limit", "{bad}");
        }
        assert_eq!(page("after=12").expect("page").after_id().expect("id"), 12);
        assert_eq!(
            page("after=x")
                .expect("page")
                .after_id()
                .expect_err("id")
                .about,
            "after"
        );
    }

    #[test]
    fn a_page_names_the_next_only_if_there_is_one() {
        let json = |items: &[u32], limit| {
            serde_json::to_string(&List::of(items.to_vec(), limit, u32::to_string)).expect("json")
        };
        assert_eq!(json(&[], 2), r#"{"items":[],"next":null}"#);
        assert_eq!(json(&[1, 2], 2), r#"{"items":[1,2],"next":null}"#);
        assert_eq!(json(&[1, 2, 3], 2), r#"{"items":[1,2],"next":"2"}"#);
    }
}
