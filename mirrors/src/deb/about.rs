//! What is told of a package: its control file tells all of it; of a source package its description does.

use super::control::Control;
use super::description::Description;
use super::package::Package;
use super::paths::{Upload, split};
use super::publish::whole;
use crate::describing::{About, Dependency, DescribedFile, Describing, Readme, ReadmeFormat};
use crate::publishing::{Body, PublishLimits};
use larder_model::{Problem, StoredFile};

/// Fields that name other packages, with what people are told of them.
const RELATIONS: [(&str, &str); 9] = [
    ("Pre-Depends", "pre-depends"),
    ("Depends", "depends"),
    ("Recommends", "recommends"),
    ("Suggests", "suggests"),
    ("Enhances", "enhances"),
    ("Conflicts", "conflicts"),
    ("Breaks", "breaks"),
    ("Replaces", "replaces"),
    ("Provides", "provides"),
];
/// The same of source packages.
const BUILD_RELATIONS: [(&str, &str); 3] = [
    ("Build-Depends", "build"),
    ("Build-Depends-Arch", "build"),
    ("Build-Depends-Indep", "build"),
];
const MAX_RELATIONS: usize = 300;

/// What a part of a relation asks for: `libc6 (>= 2.34)`, or one of several with `|` between them.
fn dependency(kind: &'static str, text: &str) -> Option<Dependency> {
    let mut alternatives = text.split('|').map(str::trim);
    let first = alternatives.next()?;
    let (name, rest) = first
        .split_once([' ', '(', '['])
        .map_or((first, ""), |(name, _)| {
            (name, first.get(name.len()..).unwrap_or_default())
        });
    let requirement = rest
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or("", |(requirement, _)| requirement.trim());
    let name = name.trim();
    if name.is_empty() {
        return None;
    }
    let plain = name.split_once(':').map_or(name, |(plain, _)| plain);
    let others: Vec<&str> = alternatives.filter(|other| !other.is_empty()).collect();
    let condition = if others.is_empty() {
        String::new()
    } else {
        format!("or {}", others.join(" or "))
    };
    Some(Dependency {
        name: name.to_owned(),
        package: (kind != "provides").then(|| plain.to_owned()),
        requirement: requirement.to_owned(),
        kind,
        optional: matches!(kind, "recommends" | "suggests" | "enhances"),
        condition,
        ..Dependency::default()
    })
}

/// Descriptions of packages.
pub(super) struct PackageAbouts;

impl Describing for PackageAbouts {
    fn choose<'f>(&self, files: &'f [StoredFile]) -> Option<&'f StoredFile> {
        let is = |upload: Upload| {
            move |file: &&'f StoredFile| Upload::of(split(&file.path).1) == Some(upload)
        };
        let package = files.iter().find(is(Upload::Package));
        package.or_else(|| files.iter().find(is(Upload::Description)))
    }

    fn of_file(&self, file: &DescribedFile<'_>, body: &mut dyn Body) -> Result<About, Problem> {
        let limit = PublishLimits::default().metadata;
        if Upload::of(split(file.path).1) == Some(Upload::Description) {
            limit.require("package", "the .dsc", file.size)?;
            return Ok(of_source(&Description::read(&whole(body)?)?.control));
        }
        let control = Package::control(body, limit)?;
        let text = |name: &str| control.get(name).unwrap_or_default().to_owned();
        let description = text("Description");
        let (summary, long) = description.split_once('\n').unwrap_or((&description, ""));
        // A dot alone is an empty line.
        let long: Vec<&str> = long
            .lines()
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .map(|line| if line.trim() == "." { "" } else { line })
            .collect();
        let mut about = About {
            summary: Some(summary.to_owned()),
            readme: Readme::new(ReadmeFormat::Plain, &long.join("\n")),
            authors: vec![text("Maintainer")],
            ..About::default()
        };
        about.link("homepage", &text("Homepage"));
        relate(&mut about, &control, &RELATIONS);
        about.fact("architecture", [text("Architecture")]);
        about.fact("section", [text("Section")]);
        about.fact("source", [text("Source")]);
        about.fact("installed_size", [text("Installed-Size")]);
        Ok(about)
    }
}

/// What the description of a source package tells.
fn of_source(control: &Control) -> About {
    let text = |name: &str| control.get(name).unwrap_or_default().to_owned();
    let mut about = About {
        authors: vec![text("Maintainer")],
        ..About::default()
    };
    about.link("homepage", &text("Homepage"));
    about.link("repository", &text("Vcs-Browser"));
    relate(&mut about, control, &BUILD_RELATIONS);
    about.fact("architecture", [text("Architecture")]);
    about
}

/// Adds the packages that fields name.
fn relate(about: &mut About, control: &Control, fields: &[(&str, &'static str)]) {
    for (field, kind) in fields {
        let all = control.get(field).unwrap_or_default();
        let told = all.split(',').filter_map(|one| dependency(kind, one));
        about.dependencies.extend(told.take(MAX_RELATIONS));
    }
}

#[cfg(test)]
mod tests;
