//! What goes of mirrors: it can be fetched again, so what nobody uses goes, and what was used longest
//! ago where there is more than may be kept.

use super::decision::Decision;
use larder_model::{Digest, Span, Timestamp, duration};
use std::collections::HashMap;
use std::time::Duration;

/// What was used within this time stays, whatever rules and budgets say: a build may be running that
/// needs it.
pub const IN_USE: Duration = Duration::from_hours(1);

/// What a unit is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum UnitKind {
    /// A version of a package with its files; of an image a tag with all that it needs, or a manifest
    /// or a blob that no tag needs.
    Version,
    /// What tells of a whole repository: a document, with what must be kept together with it.
    Index,
    /// The documents of a package: they stay while anything else of it does.
    Documents,
}

/// Bytes of a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Stands for the digest.
    mark: u64,
    /// How many.
    pub size: u64,
}

impl Part {
    /// Bytes of this digest.
    pub fn of(digest: &Digest, size: u64) -> Self {
        let hex = digest.hex();
        let mark = hex
            .get(..16)
            .and_then(|hex| u64::from_str_radix(hex, 16).ok());
        Self {
            mark: mark.unwrap_or_default(),
            size,
        }
    }
}

/// Something of a mirror that goes or stays as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unit {
    /// The number of its package.
    pub package: usize,
    /// What it is.
    pub kind: UnitKind,
    /// The version, the tag or the path; `None`: it has none.
    pub name: Option<Box<str>>,
    /// Of an image, the manifest or the blob.
    pub digest: Option<Digest>,
    /// When it was used last.
    pub used_at: Timestamp,
    /// Its bytes.
    pub parts: Box<[Part]>,
    /// What was decided before: that it stays, whatever else is said; or that a rule lets it go.
    pub settled: Option<Decision>,
}

/// Bytes that may be kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// What it is called.
    pub name: &'static str,
    /// So many bytes may be kept, each digest counted once.
    pub bytes: u64,
    /// Where there are more, so many are left.
    pub leaves: u64,
    /// What was used within this time stays.
    pub in_use: Duration,
}

/// What is to become of units.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MirrorOutcome {
    /// Of each, in their order.
    pub decisions: Vec<Decision>,
    /// The bytes that only those have that go.
    pub freed: u64,
}

/// What is to become of units of one or more mirrors.
///
/// What is settled to stay and what was used within [`IN_USE`], or the budget's own time, stays. Of the
/// rest that goes which a rule lets go or which was not used for `unused_after`; and, where there is
/// more than the budget, as much as is needed, by when it was used last. Documents of a package count
/// as used when anything of it was, and go last of all that it has.
pub fn decide_mirror(
    units: &[Unit],
    unused_after: Option<Span>,
    budget: Option<Budget>,
    now: Timestamp,
) -> MirrorOutcome {
    let in_use = budget.map_or(IN_USE, |budget| budget.in_use);
    let mut mirror = Mirror::of(units, (unused_after, in_use), now);
    if let Some(budget) = budget {
        mirror.keep_within(budget);
    }
    MirrorOutcome {
        freed: freed_by(units, |number| mirror.decisions[number].deletes()),
        decisions: mirror.decisions,
    }
}

/// The bytes that only those units have that go, each digest counted once.
pub fn freed_by(units: &[Unit], goes: impl Fn(usize) -> bool) -> u64 {
    let all = || units.iter().enumerate();
    let mut freed: HashMap<u64, u64> = HashMap::new();
    for (_, unit) in all().filter(|(number, _)| goes(*number)) {
        freed.extend(unit.parts.iter().map(|part| (part.mark, part.size)));
    }
    for (_, unit) in all().filter(|(number, _)| !goes(*number)) {
        for part in &unit.parts {
            freed.remove(&part.mark);
        }
    }
    freed.values().sum()
}

struct Mirror<'a> {
    units: &'a [Unit],
    /// When each was used last, all that depends on it included.
    used: Vec<Timestamp>,
    /// Whether nothing lets it go.
    is_held: Vec<bool>,
    decisions: Vec<Decision>,
    /// Of each package, how many of its units stay but for its documents.
    staying: HashMap<usize, usize>,
}

impl<'a> Mirror<'a> {
    fn of(
        units: &'a [Unit],
        (unused_after, in_use): (Option<Span>, Duration),
        now: Timestamp,
    ) -> Self {
        let mut last: HashMap<usize, Timestamp> = HashMap::new();
        for unit in units {
            let used = last.entry(unit.package).or_default();
            *used = unit.used_at.max(*used);
        }
        let used_at = |unit: &Unit| match unit.kind {
            UnitKind::Documents => last[&unit.package],
            UnitKind::Version | UnitKind::Index => unit.used_at,
        };
        let mut mirror = Self {
            units,
            used: units.iter().map(used_at).collect(),
            is_held: Vec::with_capacity(units.len()),
            decisions: Vec::with_capacity(units.len()),
            staying: HashMap::new(),
        };
        for (number, unit) in units.iter().enumerate() {
            let (is_held, decision) = mirror.decide(number, (unused_after, in_use), now);
            if unit.kind != UnitKind::Documents && !decision.deletes() {
                *mirror.staying.entry(unit.package).or_default() += 1;
            }
            mirror.is_held.push(is_held);
            mirror.decisions.push(decision);
        }
        for (number, unit) in units.iter().enumerate() {
            if mirror.decisions[number].deletes() && mirror.is_needed(unit) {
                mirror.decisions[number] = Decision::keep("it tells of what stays", None);
            }
        }
        mirror
    }

    /// Whether a unit is documents of something that stays.
    fn is_needed(&self, unit: &Unit) -> bool {
        let staying = self.staying.get(&unit.package).copied();
        unit.kind == UnitKind::Documents && staying.unwrap_or_default() > 0
    }

    fn decide(
        &self,
        number: usize,
        (unused_after, in_use): (Option<Span>, Duration),
        now: Timestamp,
    ) -> (bool, Decision) {
        let (unit, used_at) = (&self.units[number], self.used[number]);
        let settled = unit.settled.as_ref();
        if let Some(stays) = settled.filter(|decision| !decision.deletes()) {
            return (true, stays.clone());
        }
        if used_at > now.before(in_use) {
            let reason = match in_use {
                IN_USE => "it was used within the last hour".to_owned(),
                shorter => format!("it was used within the last {}", duration::text(shorter)),
            };
            return (true, Decision::keep(reason, None));
        }
        if let Some(goes) = settled {
            return (false, goes.clone());
        }
        let Some(span) = unused_after else {
            return (false, Decision::keep("nothing lets it go", None));
        };
        if used_at <= now.before(span.0) {
            let reason = format!("unused since {used_at}, which is more than {span}");
            return (false, Decision::delete(reason, None));
        }
        let reason = format!("it was used within {span}");
        (false, Decision::keep(reason, None))
    }

    /// Lets go as much as is needed, least lately used first.
    fn keep_within(&mut self, budget: Budget) {
        let mut holders: HashMap<u64, usize> = HashMap::new();
        let mut total = 0;
        for (unit, decision) in self.units.iter().zip(&self.decisions) {
            for part in unit.parts.iter().filter(|_| !decision.deletes()) {
                let held_by = holders.entry(part.mark).or_default();
                *held_by += 1;
                total += if *held_by == 1 { part.size } else { 0 };
            }
        }
        if total <= budget.bytes {
            return;
        }
        let mut order: Vec<usize> = (0..self.units.len())
            .filter(|number| !self.is_held[*number] && !self.decisions[*number].deletes())
            .collect();
        order.sort_by_key(|number| {
            let unit = &self.units[*number];
            let place = (self.used[*number], unit.package, unit.kind);
            (place, unit.name.as_deref(), unit.digest)
        });
        for number in order {
            if total <= budget.leaves {
                break;
            }
            let unit = &self.units[number];
            if self.is_needed(unit) {
                continue;
            }
            for part in &unit.parts {
                let held_by = holders.entry(part.mark).or_default();
                *held_by -= 1;
                total -= if *held_by == 0 { part.size } else { 0 };
            }
            if let Some(staying) = self.staying.get_mut(&unit.package)
                && unit.kind != UnitKind::Documents
            {
                *staying -= 1;
            }
            let (used_at, name, bytes) = (self.used[number], budget.name, budget.bytes);
            let reason = format!("over {name}, {bytes} bytes, and least lately used: at {used_at}");
            self.decisions[number] = Decision::delete(reason, None);
        }
    }
}
