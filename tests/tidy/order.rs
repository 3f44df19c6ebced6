//! The order in which modules are read, and that they know one another in no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::TokenTree;

use crate::tokens::{Reference, Start, TESTS, braces, code, is_punct, references, word};
use crate::{crates, root};

/// Where a module is: the names from the crate down to it.
type Place = Vec<String>;

/// A module of a crate.
struct Module {
    file: PathBuf,
    children: Vec<String>,
    references: Vec<Reference>,
}

impl Module {
    /// Whether a path from here begins with a child, or with what a `pub use` of this file names.
    fn has(&self, reference: &Reference) -> bool {
        let Some(first) = reference.names.first() else {
            return false;
        };
        let exports = |other: &Reference| other.exported && other.alias.as_ref() == Some(first);
        let is_use = reference.alias.is_some();
        self.children.contains(first) || !is_use && self.references.iter().any(exports)
    }
}

/// All modules of a crate but tests.
#[derive(Default)]
struct Tree(BTreeMap<Place, Module>);

impl Tree {
    fn of(entrance: &Path) -> Self {
        let mut tree = Self::default();
        let folder = entrance.parent().expect("folder").to_owned();
        tree.add(Vec::new(), entrance, &folder, code(entrance));
        tree
    }

    /// Adds the module at `place`, whose children are in `folder`, and all below it.
    fn add(&mut self, place: Place, file: &Path, folder: &Path, tokens: Vec<TokenTree>) {
        let mut own = Vec::new();
        let mut children = Vec::new();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let declares = word(Some(&token)).as_deref() == Some("mod");
            let Some(name) = word(tokens.peek()).filter(|_| declares) else {
                own.push(token);
                continue;
            };
            tokens.next();
            let inner = tokens.next();
            let below = [place.clone(), vec![name.clone()]].concat();
            if let Some(inner) = braces(inner.as_ref()) {
                self.add(below, file, &folder.join(&name), inner);
            } else {
                assert!(
                    is_punct(inner.as_ref(), ';'),
                    "{}: mod {name}",
                    file.display()
                );
                let beside = folder.join(format!("{name}.rs"));
                let inside = folder.join(&name).join("mod.rs");
                let child = if beside.exists() { beside } else { inside };
                self.add(below, &child, &folder.join(&name), code(&child));
            }
            children.push(name);
        }
        let file = file
            .strip_prefix(root())
            .expect("below the root")
            .to_owned();
        let references = references(&own);
        self.0.insert(
            place,
            Module {
                file,
                children,
                references,
            },
        );
    }

    /// The module that has what `reference` names, if it is one of this crate's.
    fn target(&self, place: &Place, reference: &Reference, depth: usize) -> Option<Place> {
        let mut at = match reference.start {
            Start::Crate => Vec::new(),
            Start::Up(levels) => place[..place.len().checked_sub(levels)?].to_vec(),
            Start::Here if self.0[place].has(reference) => place.clone(),
            Start::Here => return None,
        };
        for name in &reference.names {
            let module = &self.0[&at];
            if module.children.contains(name) {
                at.push(name.clone());
                continue;
            }
            if TESTS.contains(&name.as_str()) {
                return None;
            }
            let named_here = |other: &&Reference| other.alias.as_ref() == Some(name);
            match module.references.iter().find(named_here) {
                Some(other) => at = self.target(&at, other, depth.checked_sub(1)?)?,
                None => break,
            }
        }
        Some(at)
    }
}

/// Who uses whom among the modules of one module. Its own text is one of them, called `self`.
#[derive(Default)]
struct Siblings(BTreeMap<String, BTreeMap<String, String>>);

impl Siblings {
    fn add(&mut self, user: &str, target: &str, at: String) {
        let targets = self.0.entry(user.to_owned()).or_default();
        targets.entry(target.to_owned()).or_insert(at);
    }

    /// The way by which `from` comes to use `to`.
    fn way(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut seen = BTreeSet::from([from.to_owned()]);
        let mut ways = vec![vec![from.to_owned()]];
        while let Some(way) = (!ways.is_empty()).then(|| ways.remove(0)) {
            let last = way.last().expect("a first");
            if last == to {
                return Some(way);
            }
            for next in self.0.get(last).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(next.clone()) {
                    ways.push([way.clone(), vec![next.clone()]].concat());
                }
            }
        }
        None
    }

    /// The circles, the shortest first; of those that share a step the first alone.
    fn circles(&self) -> Vec<Vec<String>> {
        let steps = self.0.iter();
        let steps =
            steps.flat_map(|(user, targets)| targets.keys().map(move |target| (user, target)));
        let back = |(user, target): (&String, &String)| {
            let way = self.way(target, user)?;
            Some([vec![user.clone()], way].concat())
        };
        let mut circles: Vec<_> = steps.filter_map(back).collect();
        circles.sort_by_key(Vec::len);
        let mut told = BTreeSet::new();
        circles.retain(|circle| {
            let steps: Vec<_> = circle.windows(2).map(<[String]>::to_vec).collect();
            let is_new = steps.iter().all(|step| !told.contains(step));
            told.extend(steps.into_iter().filter(|_| is_new));
            is_new
        });
        circles
    }

    /// What is out of order, where `order` lists the modules.
    fn wrong(&self, order: &[String]) -> Vec<String> {
        let circles = self.circles();
        let step = |step: &[String]| format!("{} ({}) -> ", step[0], self.0[&step[0]][&step[1]]);
        let told = |circle: &Vec<String>| {
            let steps: String = circle.windows(2).map(step).collect();
            format!("a circle: {steps}{}", circle[0])
        };
        let mut wrong: Vec<_> = circles.iter().map(told).collect();
        let position = |name: &str| order.iter().position(|other| other == name);
        for (user, targets) in &self.0 {
            for (target, at) in targets {
                let (Some(before), Some(after)) = (position(user), position(target)) else {
                    continue;
                };
                if before < after && self.way(target, user).is_none() {
                    wrong.push(format!(
                        "{at}: {user} uses {target}, which is listed after it"
                    ));
                }
            }
        }
        wrong
    }
}

/// What is out of order in a crate.
fn out_of_order(entrance: &Path) -> Vec<String> {
    let tree = Tree::of(entrance);
    let mut families: BTreeMap<Place, Siblings> = BTreeMap::new();
    for (place, module) in &tree.0 {
        for reference in &module.references {
            let Some(target) = tree.target(place, reference, 16) else {
                continue;
            };
            let shared = place
                .iter()
                .zip(&target)
                .take_while(|(a, b)| a == b)
                .count();
            let head = |place: &Place| place.get(shared).map_or("self", String::as_str).to_owned();
            let (user, target) = (head(place), head(&target));
            if user == target || user == "self" && reference.exported {
                continue;
            }
            let at = format!("{}:{}", module.file.display(), reference.line);
            let siblings = families.entry(place[..shared].to_vec()).or_default();
            siblings.add(&user, &target, at);
        }
    }
    let wrong = |(place, siblings): (&Place, &Siblings)| siblings.wrong(&tree.0[place].children);
    families.iter().flat_map(wrong).collect()
}

#[test]
fn modules_use_only_what_is_listed_before_them() {
    let mut wrong = Vec::new();
    for (_, entrance) in crates() {
        wrong.extend(out_of_order(&entrance));
    }
    assert!(
        wrong.is_empty(),
        "{} places:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
