//! What is told of an rpm: its header tells all of it.

use super::header::Front;
use super::integrity::check_header;
use super::package::{RELATIONS, Relation, files, relations, tag};
use crate::describing::{About, Dependency, DescribedFile, Describing, Readme, ReadmeFormat};
use crate::publishing::Body;
use larder_model::{Problem, StoredFile};

/// The names of all that a package provides are many; what it is for is in the first of them.
const MAX_RELATIONS: usize = 300;

impl Relation {
    /// `>= 1:2.0-3`, as a spec file has it.
    fn requirement(&self) -> String {
        let sense = match self.flags {
            "EQ" => "=",
            "LT" => "<",
            "GT" => ">",
            "LE" => "<=",
            "GE" => ">=",
            _ => return String::new(),
        };
        let [epoch, version, release] = &self.evr;
        let epoch = match &**epoch {
            "" | "0" => String::new(),
            epoch => format!("{epoch}:"),
        };
        let release = match &**release {
            "" => String::new(),
            release => format!("-{release}"),
        };
        format!("{sense} {epoch}{version}{release}")
    }
}

fn dependency(kind: &'static str, relation: &Relation) -> Dependency {
    // Files, libraries and rich dependencies are no names of packages.
    let is_name = |char: char| char.is_ascii_alphanumeric() || "._+-".contains(char);
    let can_be = kind != "provides" && relation.name.chars().all(is_name);
    Dependency {
        name: relation.name.clone(),
        package: can_be.then(|| relation.name.clone()),
        requirement: relation.requirement(),
        kind,
        optional: matches!(kind, "suggests" | "enhances" | "recommends" | "supplements"),
        ..Dependency::default()
    }
}

/// Descriptions of rpms.
pub(super) struct PackageAbouts;

impl Describing for PackageAbouts {
    fn choose<'f>(&self, files: &'f [StoredFile]) -> Option<&'f StoredFile> {
        files.iter().find(|file| file.path.ends_with(".rpm"))
    }

    fn of_file(&self, _: &DescribedFile<'_>, body: &mut dyn Body) -> Result<About, Problem> {
        body.rewind().map_err(Problem::internal)?;
        let front = Front::read(body)?;
        check_header(&front)?;
        let header = &front.header;
        let text = |tag| header.text(tag);
        let mut about = About {
            summary: Some(text(tag::SUMMARY)?),
            readme: Readme::new(ReadmeFormat::Plain, &text(tag::DESCRIPTION)?),
            license: Some(text(tag::LICENSE)?),
            authors: vec![text(tag::VENDOR)?, text(tag::PACKAGER)?],
            ..About::default()
        };
        about.link("homepage", &text(tag::URL)?);
        let all = relations(header, &files(header)?)?;
        for ((kind, _), relations) in RELATIONS.into_iter().zip(&all) {
            let told = relations.iter().take(MAX_RELATIONS);
            about
                .dependencies
                .extend(told.map(|one| dependency(kind, one)));
        }
        // Before it is installed and after are one need for whoever reads it.
        about.dependencies.dedup();
        // What it needs comes before what it gives.
        about.dependencies.sort_by_key(|one| one.kind == "provides");
        about.fact("architecture", [text(tag::ARCH)?]);
        about.fact("group", [text(tag::GROUP)?]);
        about.fact("source_rpm", [text(tag::SOURCE_RPM)?]);
        about.fact("build_host", [text(tag::BUILD_HOST)?]);
        Ok(about)
    }
}

#[cfg(test)]
mod tests;
