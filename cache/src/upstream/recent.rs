//! A bounded memory.

use std::collections::HashMap;

/// Values by key, at most so many: the least recently used one makes room for the next.
pub(super) struct Recent<V> {
    entries: HashMap<u64, (u64, V)>,
    max: usize,
    uses: u64,
}

impl<V> Recent<V> {
    pub(super) fn new(max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            max,
            uses: 0,
        }
    }

    /// A value, which is used by that.
    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        self.uses += 1;
        let (used, value) = self.entries.get_mut(&key)?;
        *used = self.uses;
        Some(value)
    }

    /// The same; made if it is not there.
    pub(super) fn get_or_insert(&mut self, key: u64, make: impl FnOnce() -> V) -> &mut V {
        if self.entries.len() >= self.max && !self.entries.contains_key(&key) {
            let oldest = self.entries.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.entries.remove(&oldest);
            }
        }
        self.uses += 1;
        let (used, value) = self.entries.entry(key).or_insert_with(|| (0, make()));
        *used = self.uses;
        value
    }

    pub(super) fn remove(&mut self, key: u64) {
        self.entries.remove(&key);
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.entries.retain(|_, (_, value)| keep(value));
    }

    /// All values, in no order. None of them is used by that.
    pub(super) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests;
