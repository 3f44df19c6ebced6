//! What clients want of documents that are still on their way: whoever checks such a document makes
//! that out of the same reading, so a large one is read once.

use super::job::{Made, Recipe};
use crate::flights::Key;
use larder_model::Digest;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// The wishes of those who wait, by the flights of their documents.
#[derive(Default)]
pub(super) struct Wishes(Mutex<HashMap<Key, Weak<Wish>>>);

/// What is wanted of a document, for as long as somebody waits for it.
pub(crate) struct Wish {
    pub(super) recipe: Recipe,
    /// Of which bytes it was made.
    made: OnceLock<(Digest, Made)>,
}

impl Wishes {
    /// Wants something of a document that comes; `None` if something else is wanted of it already.
    pub(super) fn enter(&self, key: Key, recipe: Recipe) -> Option<Arc<Wish>> {
        let mut wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wish) = wishes.get(&key).and_then(Weak::upgrade) {
            return wish.recipe.makes_as(&recipe).then_some(wish);
        }
        wishes.retain(|_, wish| wish.strong_count() > 0);
        let wish = Arc::new(Wish {
            recipe,
            made: OnceLock::new(),
        });
        wishes.insert(key, Arc::downgrade(&wish));
        Some(wish)
    }

    /// What is wanted of a document, if somebody waits for it.
    pub(super) fn of(&self, key: &Key) -> Option<Arc<Wish>> {
        let wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wishes.get(key).and_then(Weak::upgrade)
    }
}

impl Wish {
    /// It was made of the document with this digest. A second time changes nothing.
    pub(super) fn fulfil(&self, of: Digest, made: Made) {
        self.made.get_or_init(|| (of, made));
    }

    /// What was made, if it was made of the document with this digest.
    pub(super) fn made_of(&self, digest: &Digest) -> Option<Made> {
        let (of, made) = self.made.get()?;
        (of == digest).then(|| made.clone())
    }
}

#[cfg(test)]
mod tests;
