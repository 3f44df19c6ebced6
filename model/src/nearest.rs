//! The right key for a wrong one.

/// The candidate that was most likely meant, if any is near: the same last word in another section
/// comes first, then the fewest edits.
pub fn nearest<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = last(wrong);
    // A short word tolerates one slip, a long one several: else everything resembles "foo".
    let limit = 1 + word.chars().count() / 4;
    right
        .into_iter()
        .map(|key| (last(key) != word, edits(wrong, key), key))
        .filter(|(differs, edits, _)| !differs || *edits <= limit)
        .min()
        .map(|(_, _, key)| key)
}

/// The last word of a dotted key.
fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour to turn one
/// word into another.
fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replaced = above[j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut best = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests;
