//! What is told of a package: its control file tells all of it.

use super::package::Package;
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
        files.iter().find(|file| file.path.ends_with(".deb"))
    }

    fn of_file(&self, _: &DescribedFile<'_>, body: &mut dyn Body) -> Result<About, Problem> {
        let control = Package::control(body, PublishLimits::default().metadata)?;
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
        for (field, kind) in RELATIONS {
            let all = text(field);
            let told = all.split(',').filter_map(|one| dependency(kind, one));
            about.dependencies.extend(told.take(MAX_RELATIONS));
        }
        about.fact("architecture", [text("Architecture")]);
        about.fact("section", [text("Section")]);
        about.fact("source", [text("Source")]);
        about.fact("installed_size", [text("Installed-Size")]);
        Ok(about)
    }
}

#[cfg(test)]
mod tests;
