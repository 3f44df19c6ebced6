//! What is kept of an upstream once it has other refs.

use crate::oid::{ObjectFormat, Oid};
use crate::refs::{RefName, Refs};
use crate::source::useless;
use crate::state::State;
use larder_model::Problem;
use std::collections::BTreeSet;

/// What is kept once a source has these refs. What its refs stood for before stays, and so do these
/// objects. Fails if its objects are named otherwise than before.
pub(crate) fn following(
    before: &State,
    (format, refs): (ObjectFormat, &Refs),
    objects: &BTreeSet<Oid>,
) -> Result<State, Problem> {
    if !before.packs.is_empty() && before.format != format {
        let detail = format!(
            "the upstream names objects by {} now, and what is kept by {}",
            format.word(),
            before.format.word()
        );
        return Err(useless(&detail));
    }
    let refs = refs.clone();
    // Requests to merge and the like are told of, and come when somebody asks for one.
    let is_absent = |name: &&RefName| !name.is_branch() && !name.is_tag();
    let mut state = State {
        format,
        absent: refs.names.keys().filter(is_absent).cloned().collect(),
        refs,
        kept: BTreeSet::new(),
        packs: before.packs.clone(),
    };
    // What a ref stands for needs no other name.
    let held = state.held();
    let all = before.tips().into_iter().chain(objects);
    let others = all.filter(|oid| !held.contains(oid)).cloned();
    state.kept = others.collect();
    Ok(state)
}

#[cfg(test)]
mod tests;
