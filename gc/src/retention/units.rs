//! The files of a mirror's package as rules and budgets decide on them: what goes together is a unit.

use super::look::{is_immutable, links};
use super::seam::{Bonds, PackageVersions};
use crate::retain::{
    Candidate, Decision, Graph, Image, Manifest, Part, TaggedDigest, Unit, UnitKind, decide,
};
use larder_metadata::mirrored::MirroredFile;
use larder_metadata::repos::RepoRecord;
use larder_model::{Digest, FileKind, RetentionPolicy, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A unit with its files: their numbers among those of the package.
#[derive(Debug)]
pub(crate) struct FiledUnit {
    pub(crate) unit: Unit,
    /// Its package, as people call it.
    pub(crate) package: Box<str>,
    pub(crate) files: Vec<usize>,
}

/// A mirror's package, and what is said of it.
#[derive(Clone, Copy)]
pub(crate) struct Shelf<'a> {
    pub(crate) repo: &'a RepoRecord,
    pub(crate) versions: &'a dyn PackageVersions,
    /// `None`: nobody said anything.
    pub(crate) policy: Option<&'a RetentionPolicy>,
    pub(crate) now: Timestamp,
}

/// Where a unit is put together.
struct Draft<'a> {
    files: &'a [MirroredFile],
    /// The number of the package.
    number: usize,
    units: Vec<FiledUnit>,
}

impl Draft<'_> {
    fn add(&mut self, kind: UnitKind, name: Option<&str>, digest: Option<Digest>, files: &[usize]) {
        let used = files.iter().map(|file| self.files[*file].last_used_at());
        self.add_used(kind, name, digest, files.to_vec(), used.max());
    }

    /// The same for one that some of its files do not count as used for.
    fn add_used(
        &mut self,
        kind: UnitKind,
        name: Option<&str>,
        digest: Option<Digest>,
        files: Vec<usize>,
        used_at: Option<Timestamp>,
    ) {
        let part = |file: &usize| Part::of(&self.files[*file].digest, self.files[*file].size);
        let first = files.first().map(|file| &self.files[*file].package);
        self.units.push(FiledUnit {
            package: first.cloned().unwrap_or_default(),
            unit: Unit {
                package: self.number,
                kind,
                name: name.map(Into::into),
                digest,
                used_at: used_at.unwrap_or_default(),
                parts: files.iter().map(part).collect(),
                settled: None,
            },
            files,
        });
    }
}

/// The units of a package, each file in one of them; of an image in one at least.
pub(crate) fn units_of(
    shelf: Shelf<'_>,
    files: &[MirroredFile],
    bonds: &Bonds,
    number: usize,
) -> Vec<FiledUnit> {
    let mut draft = Draft {
        files,
        number,
        units: Vec::new(),
    };
    if shelf.versions.are_tags(shelf.repo.protocol) {
        add_image(&mut draft, bonds);
    } else if files.first().is_some_and(|file| file.package.is_empty()) {
        add_index(&mut draft, bonds);
    } else {
        add_versions(shelf, &mut draft);
    }
    let mut units = draft.units;
    for unit in units.iter_mut().filter(|it| it.package.is_empty()) {
        if let (UnitKind::Version, Some(name)) = (unit.unit.kind, &unit.unit.name) {
            unit.package = shelf.versions.package_of(shelf.repo.protocol, name).into();
        }
    }
    settle(shelf, files, &mut units);
    for it in &mut units {
        let mut own = it.files.iter().map(|number| &files[*number]);
        if it.unit.kind == UnitKind::Documents && own.all(|file| is_proof(shelf, file)) {
            it.unit.settled = Some(Decision::keep("it proves what is kept", None));
        }
    }
    units
}

fn is_proof(shelf: Shelf<'_>, file: &MirroredFile) -> bool {
    let protocol = shelf.repo.protocol;
    let proves = || shelf.versions.is_proof(protocol, &file.package, &file.path);
    file.kind == FileKind::Document && proves()
}

/// Versions with their artifacts, and the documents that tell of them. What stands beside proofs goes by
/// itself.
fn add_versions(shelf: Shelf<'_>, draft: &mut Draft<'_>) {
    let mut versions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut documents = Vec::new();
    for (number, file) in draft.files.iter().enumerate() {
        match (file.kind, &*file.version) {
            (FileKind::Artifact, "") => versions.entry(&file.path).or_default().push(number),
            (FileKind::Artifact, version) => versions.entry(version).or_default().push(number),
            _ => documents.push(number),
        }
    }
    for (version, files) in versions {
        draft.add(UnitKind::Version, Some(version), None, &files);
    }
    let files = draft.files;
    let (proofs, others): (Vec<usize>, Vec<usize>) = documents
        .iter()
        .partition(|number| is_proof(shelf, &files[**number]));
    if !proofs.is_empty() {
        draft.add(UnitKind::Documents, None, None, &proofs);
        for number in others {
            draft.add(UnitKind::Index, Some(&files[number].path), None, &[number]);
        }
    } else if !documents.is_empty() {
        draft.add(UnitKind::Documents, None, None, &documents);
    }
}

/// Sets of documents that are kept together, and all else by itself.
fn add_index(draft: &mut Draft<'_>, bonds: &Bonds) {
    let places: HashMap<(FileKind, &str), usize> = draft
        .files
        .iter()
        .enumerate()
        .map(|(number, file)| ((file.kind, &*file.path), number))
        .collect();
    let mut taken = HashSet::new();
    for set in &bonds.sets {
        let places = set.iter().filter_map(|(kind, path)| {
            let place = places.get(&(*kind, &**path)).copied()?;
            taken.insert(place).then_some(place)
        });
        let files: Vec<usize> = places.collect();
        let Some(head) = files.first() else { continue };
        let name = draft.files[*head].path.clone();
        draft.add(UnitKind::Index, Some(&name), None, &files);
    }
    for (number, file) in draft.files.iter().enumerate() {
        if taken.contains(&number) {
            continue;
        }
        let kind = match file.kind {
            FileKind::Artifact => UnitKind::Version,
            _ => UnitKind::Index,
        };
        let name = match &*file.version {
            "" => &file.path,
            _ => &file.version,
        };
        draft.add(kind, Some(name), None, &[number]);
    }
}

/// Tags with all that they need; manifests and blobs that none needs.
fn add_image(draft: &mut Draft<'_>, bonds: &Bonds) {
    let files = draft.files;
    let of = |kind: FileKind| {
        let files = files.iter().enumerate();
        files.filter(move |(_, file)| file.kind == kind)
    };
    let image = Image {
        tags: of(FileKind::Tag).map(|(_, file)| tagged(file)).collect(),
        manifests: of(FileKind::Manifest)
            .map(|(_, file)| Manifest {
                digest: file.digest,
                untagged_since: Timestamp::default(),
            })
            .collect(),
        links: links(&bonds.edges),
    };
    let manifests: HashMap<Digest, usize> = of(FileKind::Manifest)
        .map(|(number, file)| (file.digest, number))
        .collect();
    let blobs: HashMap<Digest, usize> = of(FileKind::Blob)
        .map(|(number, file)| (file.digest, number))
        .collect();
    let known: HashSet<Digest> = manifests.keys().copied().collect();
    let graph = Graph::of(&image, &known);
    let named = bonds.blobs();
    let mut taken = HashSet::new();
    let attached: Vec<Option<Digest>> = image
        .tags
        .iter()
        .map(|tagged| tagged.attached_to(&known))
        .collect();
    // With a manifest go all that follow it, their blobs, and the tags that are called after them.
    let mut add = |draft: &mut Draft<'_>, own: Option<usize>, name: Option<&str>, root: Digest| {
        let mut whole: Vec<usize> = own.into_iter().collect();
        let mut closure: Vec<Digest> = graph.closure([root]).into_iter().collect();
        closure.sort_unstable();
        whole.extend(closure.iter().filter_map(|digest| manifests.get(digest)));
        for ((number, _), subject) in of(FileKind::Tag).zip(&attached) {
            if subject.is_some_and(|subject| closure.contains(&subject)) {
                whole.push(number);
            }
        }
        // A layer is shared: who reads it for another image does not read this one.
        let used = whole.iter().map(|number| files[*number].last_used_at());
        let used = used.max();
        let mut parts: Vec<usize> = closure
            .iter()
            .flat_map(|digest| named.get(digest).into_iter().flatten())
            .filter_map(|digest| blobs.get(digest).copied())
            .collect();
        parts.sort_unstable();
        parts.dedup();
        whole.extend(parts);
        taken.extend(whole.iter().copied());
        draft.add_used(UnitKind::Version, name, Some(root), whole, used);
    };
    for ((number, file), subject) in of(FileKind::Tag).zip(&attached) {
        if subject.is_none() {
            add(draft, Some(number), Some(&file.path), file.digest);
        }
    }
    let tagged: HashSet<Digest> = image.tags.iter().map(|it| it.digest).collect();
    for manifest in &image.manifests {
        let digest = manifest.digest;
        if !tagged.contains(&digest) && !graph.following.contains(&digest) {
            add(draft, None, None, digest);
        }
    }
    let kinds = [FileKind::Manifest, FileKind::Blob, FileKind::Tag];
    let left: Vec<usize> = kinds
        .into_iter()
        .flat_map(of)
        .filter(|(number, _)| !taken.contains(number))
        .map(|(number, _)| number)
        .collect();
    for number in left {
        let digest = Some(files[number].digest);
        draft.add(UnitKind::Version, None, digest, &[number]);
    }
    let documents: Vec<usize> = files
        .iter()
        .enumerate()
        .filter(|(_, file)| !kinds.contains(&file.kind))
        .map(|(number, _)| number)
        .collect();
    if documents.is_empty() {
        return;
    }
    // Artifacts that no manifest names are of all tags together, and so are the documents that name them.
    let mut kinds = documents.iter().map(|number| files[*number].kind);
    let kind = if kinds.any(|kind| kind == FileKind::Artifact) {
        UnitKind::Version
    } else {
        UnitKind::Documents
    };
    draft.add(kind, None, None, &documents);
}

fn tagged(file: &MirroredFile) -> TaggedDigest {
    TaggedDigest {
        tag: Candidate {
            name: file.path.clone(),
            pushed_at: file.created_at,
            used_at: Some(file.last_used_at()),
            is_immutable: false,
            release: None,
        },
        digest: file.digest,
    }
}

/// Decides by the rules of the mirror on what has a name: what is protected or kept by a rule stays,
/// whatever else lets it go.
fn settle(shelf: Shelf<'_>, files: &[MirroredFile], units: &mut [FiledUnit]) {
    let Some(policy) = shelf.policy else { return };
    let mut packages: BTreeMap<Box<str>, Vec<usize>> = BTreeMap::new();
    for (number, it) in units.iter().enumerate() {
        if it.unit.kind == UnitKind::Version && it.unit.name.is_some() {
            packages.entry(it.package.clone()).or_default().push(number);
        }
    }
    for (package, numbers) in packages {
        let names: Vec<&str> = numbers
            .iter()
            .filter_map(|number| units[*number].unit.name.as_deref())
            .collect();
        let releases = shelf.versions.releases(shelf.repo.protocol, &names);
        let candidate = |(number, release): (&usize, _)| {
            let it = &units[*number];
            let came = it.files.iter().map(|file| files[*file].created_at).max();
            let name = it.unit.name.clone().unwrap_or_default();
            Candidate {
                is_immutable: is_immutable(shelf.repo, &name),
                name,
                pushed_at: came.unwrap_or_default(),
                used_at: Some(it.unit.used_at),
                release,
            }
        };
        let candidates: Vec<Candidate> = numbers.iter().zip(releases).map(candidate).collect();
        let decisions = decide(policy, &package, &candidates, shelf.now);
        for ((number, candidate), decision) in numbers.iter().zip(&candidates).zip(decisions) {
            units[*number].unit.settled = settled(policy, candidate, decision);
        }
    }
}

/// What no rule fits and nothing protects is not settled.
fn settled(
    policy: &RetentionPolicy,
    candidate: &Candidate,
    decision: Decision,
) -> Option<Decision> {
    let mut protect = policy.protect.iter();
    let is_protected = protect.any(|pattern| pattern.matches(&candidate.name));
    let says = decision.rule.is_some() || is_protected || candidate.is_immutable;
    says.then_some(decision)
}

impl Bonds {
    /// The blobs that each manifest names.
    fn blobs(&self) -> HashMap<Digest, Vec<Digest>> {
        let mut blobs: HashMap<Digest, Vec<Digest>> = HashMap::new();
        for edge in self.edges.iter().filter(|edge| &*edge.kind == "blob") {
            blobs.entry(edge.parent).or_default().push(edge.child);
        }
        blobs
    }
}
