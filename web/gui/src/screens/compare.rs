//! Two tags of an image side by side: what is the same, and what changed.

use crate::page::{Frame, OrPage as _, Shown, show};
use crate::query::Query;
use crate::screens::image::{Looked, labels, layers, run_facts, short};
use crate::screens::package::frame;
use crate::screens::place::PackagePath;
use crate::visit::Visit;
use askama::Template;
use larder_api::{self as api, Image, ImageLayer};
use larder_model::Problem;
use std::collections::{BTreeMap, BTreeSet};

/// Something of both images; empty: one of them does not have it.
#[derive(PartialEq, Eq, Debug)]
struct Pair {
    name: String,
    one: String,
    two: String,
}

impl Pair {
    fn differs(&self) -> bool {
        self.one != self.two
    }
}

/// A layer that both have, or one of them.
struct LayerPair {
    digest: String,
    size: u64,
    step: String,
    in_one: bool,
    in_two: bool,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct Compare {
    frame: Frame,
    path: PackagePath,
    tags: Vec<String>,
    one: String,
    two: String,
    platform: String,
    /// Whether one of the images, or both, cannot be looked into.
    is_missing: bool,
    facts: Vec<Pair>,
    /// Those that are not the same.
    variables: Vec<Pair>,
    /// Those that are not the same.
    labels: Vec<Pair>,
    layers: Vec<LayerPair>,
}

impl Compare {
    /// Bytes of layers, by who has them.
    fn bytes(&self, in_one: bool, in_two: bool) -> u64 {
        let layers = self.layers.iter();
        let meant = layers.filter(|layer| (layer.in_one, layer.in_two) == (in_one, in_two));
        meant.map(|layer| layer.size).sum()
    }
}

/// The page: with the form to choose, and with both images once they are chosen.
pub(crate) async fn show_both(visit: &Visit, path: PackagePath, query: &Query) -> Shown {
    let page = page(visit, path, query).await.or_page(visit)?;
    show(&page).or_page(visit)
}

async fn page(visit: &Visit, path: PackagePath, query: &Query) -> Result<Compare, Problem> {
    // Boxes that were ticked in the list of tags come by one name, the newest first.
    let mut ticked = query.all("version");
    ticked.truncate(2);
    ticked.reverse();
    let chosen = |name, at: usize| match query.get(name) {
        "" => ticked.get(at).copied().unwrap_or_default().to_owned(),
        chosen => chosen.to_owned(),
    };
    let (one, two) = (chosen("one", 0), chosen("two", 1));
    let tags = visit
        .get(format!("{}/versions?limit=1000", path.call()))
        .await;
    let tags: api::List<api::Version> = tags?;
    let t = visit.language();
    let command = format!("{} TAG", path.command("show"));
    let call = format!("GET /api/v1{}/versions/TAG", path.call());
    let title = if one.is_empty() || two.is_empty() {
        t.compare_title().to_owned()
    } else {
        t.compare_of(short(&one), short(&two))
    };
    let mut page = Compare {
        frame: frame(visit, &path, &title)?
            .below(&*path.name, path.page())
            .elsewhere(command, call),
        tags: tags.items.into_iter().map(|tag| tag.version).collect(),
        path,
        platform: String::new(),
        is_missing: false,
        facts: Vec::new(),
        variables: Vec::new(),
        labels: Vec::new(),
        layers: Vec::new(),
        one,
        two,
    };
    if !page.one.is_empty() && !page.two.is_empty() {
        page.fill(visit, query.get("platform")).await?;
    }
    Ok(page)
}

impl Compare {
    async fn fill(&mut self, visit: &Visit, wanted: &str) -> Result<(), Problem> {
        let one = Looked::at(visit, &self.path, &self.one).await?;
        let two = Looked::at(visit, &self.path, &self.two).await?;
        // A platform that both have, where there is one.
        let of_two = two.platforms.iter().map(|platform| &platform.label);
        let of_two: BTreeSet<_> = of_two.collect();
        let mut common = one.platforms.iter().map(|platform| &platform.label);
        let common = common.find(|label| of_two.contains(label)).cloned();
        let wanted = match wanted {
            "" => common.unwrap_or_default(),
            wanted => wanted.to_owned(),
        };
        let (Some(left), Some(right)) = (one.image_for(&wanted), two.image_for(&wanted)) else {
            self.is_missing = true;
            return Ok(());
        };
        let t = visit.language();
        left.0.clone_into(&mut self.platform);
        self.facts = facts(t, (&one, left.1), (&two, right.1));
        self.variables = changed(pairs(&variables(left.1), &variables(right.1)));
        self.labels = changed(pairs(&labels(left.1), &labels(right.1)));
        self.layers = layer_pairs(left.1, right.1);
        self.is_missing = left.1.config.is_none() || right.1.config.is_none();
        Ok(())
    }
}

/// What both images are, line by line.
fn facts(
    t: crate::language::Language,
    (one, left): (&Looked, &Image),
    (two, right): (&Looked, &Image),
) -> Vec<Pair> {
    let told = |looked: &Looked, image: &Image| {
        let config = image.config.as_ref();
        let size = image.bytes.map(crate::format::bytes).unwrap_or_default();
        let made = config.and_then(|config| config.created.clone());
        let mut facts = vec![
            (t.image_digest(), looked.image.digest.clone()),
            (t.image_size(), size),
            (t.image_made(), made.unwrap_or_default()),
            (
                t.image_stored_at(),
                crate::format::exact(looked.version.created_at),
            ),
        ];
        facts.extend(config.into_iter().flat_map(|config| run_facts(t, config)));
        facts
    };
    let (left, right) = (told(one, left), told(two, right));
    let names = left.iter().chain(&right).map(|(name, _)| *name);
    let mut seen = BTreeSet::new();
    let names = names.filter(|name| seen.insert(*name));
    let value = |facts: &[(&str, String)], name: &str| {
        let found = facts.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let pair = |name: &str| Pair {
        name: name.to_owned(),
        one: value(&left, name),
        two: value(&right, name),
    };
    names.map(pair).collect()
}

fn variables(image: &Image) -> BTreeMap<&str, &str> {
    let variables = image.config.iter().flat_map(|config| &config.env);
    variables
        .map(|line| line.split_once('=').unwrap_or((line, "")))
        .collect()
}

/// All names of two lists, each with both values.
fn pairs(one: &BTreeMap<&str, &str>, two: &BTreeMap<&str, &str>) -> Vec<Pair> {
    let names: BTreeSet<_> = one.keys().chain(two.keys()).copied().collect();
    let value = |list: &BTreeMap<&str, &str>, name: &str| {
        list.get(name).copied().unwrap_or_default().to_owned()
    };
    let pair = |name: &str| Pair {
        name: name.to_owned(),
        one: value(one, name),
        two: value(two, name),
    };
    names.into_iter().map(pair).collect()
}

/// What is not the same in both.
fn changed(mut pairs: Vec<Pair>) -> Vec<Pair> {
    pairs.retain(Pair::differs);
    pairs
}

/// The layers of both: those of the first in their order, then those that only the second has.
fn layer_pairs(one: &Image, two: &Image) -> Vec<LayerPair> {
    let digests = |image: &Image| -> BTreeSet<String> {
        let digest = |layer: &ImageLayer| layer.digest.clone();
        image.layers.iter().map(digest).collect()
    };
    let (in_one, in_two) = (digests(one), digests(two));
    let both = layers(one).into_iter().chain(layers(two));
    let mut seen = BTreeSet::new();
    let fresh = both.filter(|layer| seen.insert(layer.digest.clone()));
    let pair = |layer: crate::screens::image::Layer| LayerPair {
        in_one: in_one.contains(&layer.digest),
        in_two: in_two.contains(&layer.digest),
        digest: layer.digest,
        size: layer.size,
        step: layer.step,
    };
    fresh.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_lacks_is_empty_and_differs() {
        let one = BTreeMap::from([("A", "1"), ("B", "2")]);
        let two = BTreeMap::from([("A", "1"), ("C", "3")]);
        let pair = |name: &str, one: &str, two: &str| Pair {
            name: name.to_owned(),
            one: one.to_owned(),
            two: two.to_owned(),
        };
        let all = pairs(&one, &two);
        assert_eq!(
            all,
            [pair("A", "1", "1"), pair("B", "2", ""), pair("C", "", "3")]
        );
        let differ: Vec<_> = all.iter().map(Pair::differs).collect();
        assert_eq!(differ, [false, true, true]);
    }
}
