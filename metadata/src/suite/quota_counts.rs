//! After whatever was done, the counts of quotas are what a look at all rows finds.

use super::fixture::{ALICE, Bed, NPM, Push, artifact, digest, name, withdraw};
use super::quotas::{limit, shared, usage};
use crate::repos::NewRepo;
use crate::{Error, Metadata};
use larder_model::{Digest, ProtocolName, QuotaLimits, RepoKind, RepoSettings};
use std::collections::{BTreeMap, BTreeSet};

checks![counts_are_what_is_there_after_random_changes];

const STEPS: usize = 120;
/// So much that nothing is refused.
const PLENTY: QuotaLimits = QuotaLimits {
    bytes: Some(1 << 40),
    versions: Some(1 << 40),
};

const FILES: &str = "select f.package, f.kind, f.path, f.version, f.digest, b.size, \
    case when exists (select 1 from edges e where e.repo = f.repo and e.package = f.package \
    and e.child = f.path and e.kind <> 'subject') then 1 else 0 end \
    from files f join blobs b on b.digest = f.digest where f.repo = ?1 \
    and f.kind in ('blob', 'manifest', 'artifact', 'tag') and f.lifetime = '' and f.owner = ''";

/// A package and a digest.
type Place = (Box<str>, Box<str>);

/// What is there, as all rows tell it.
struct World<'a> {
    metadata: &'a Metadata,
    images: Bed<'a>,
    packages: Bed<'a>,
    seed: u64,
    /// Blobs that were there after the step before.
    blobs: BTreeSet<Place>,
    /// Blobs that no manifest has named since they came.
    fresh: BTreeSet<Place>,
    shared: i64,
}

impl World<'_> {
    fn pick(&mut self, of: usize) -> usize {
        // Knuth's generator, of which the upper half is good.
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.seed >> 33) % of as u64).expect("small")
    }

    fn image(&mut self) -> &'static str {
        ["a", "b", "c"][self.pick(3)]
    }

    fn layer(&mut self) -> String {
        format!("layer {}", "x".repeat(self.pick(6)))
    }

    async fn step(&mut self) {
        match self.pick(14) {
            0..=4 => self.push().await,
            5 => {
                let (image, layer) = (self.image(), self.layer());
                self.images.keep_blob(image, &layer).await;
            }
            6 => self.mount().await,
            7 => {
                let (image, tag) = (self.image(), format!("v{}", self.pick(4)));
                let package = self.images.package(image);
                unless_unmet(self.metadata.drop_tag(package, &tag, None, &ALICE).await);
            }
            8 => {
                let (image, text) = (self.image(), format!("manifest {}", self.pick(8)));
                let package = self.images.package(image);
                let digest = digest(&text);
                let dropped = self.metadata.drop_manifest(package, &digest, &ALICE);
                unless_unmet(dropped.await);
            }
            9 => {
                let (image, layer) = (self.image(), self.layer());
                let (package, forced) = (self.images.package(image), self.pick(2) == 0);
                let digest = digest(&layer);
                let dropped = self.metadata.drop_blob(package, &digest, forced, &ALICE);
                unless_unmet(dropped.await);
            }
            10 if self.pick(4) == 0 => {
                let image = self.image();
                let package = self.images.package(image);
                unless_unmet(self.metadata.drop_package(package, &ALICE).await);
            }
            10 | 11 => self.restore().await,
            _ => self.publish().await,
        }
    }

    async fn push(&mut self) {
        let image = self.image();
        let mut blobs: Vec<Digest> = Vec::new();
        for _ in 0..self.pick(3) {
            let layer = self.layer();
            blobs.push(self.images.keep_blob(image, &layer).await);
        }
        let absent = [digest(&self.layer())];
        let absent = &absent[..self.pick(2)];
        let text = format!("manifest {}", self.pick(8));
        let tag = format!("v{}", self.pick(4));
        let tags = [tag.as_str()];
        let push = Push {
            blobs: &blobs,
            absent,
            ..Push::new(&text, &tags[..self.pick(2)])
        };
        self.images.try_push(image, push).await.expect("push");
    }

    async fn mount(&mut self) {
        let (from, to, layer) = (self.image(), self.image(), digest(&self.layer()));
        let putting = self.images.putting(to);
        let mounted = self
            .metadata
            .mount(putting, self.images.package(from), &layer);
        unless_unmet(mounted.await);
    }

    async fn publish(&mut self) {
        let package = ["p", "q"][self.pick(2)];
        let version = self.pick(6).to_string();
        let steps = if self.pick(3) == 0 {
            withdraw(&version)
        } else {
            vec![artifact(&version)]
        };
        let revision = self.packages.revision(package).await;
        let changed = self.packages.change(package, revision, steps, &ALICE);
        unless_unmet(changed.await);
    }

    async fn restore(&mut self) {
        let which = self.pick(2);
        let repo = [&self.images.repo, &self.packages.repo][which].clone();
        let entries = self.metadata.trash_of(repo.id, None, 100).await;
        let entries = entries.expect("trash");
        if entries.is_empty() {
            return;
        }
        let id = entries[self.pick(entries.len())].id;
        unless_unmet(self.metadata.restore(&repo, id, &ALICE).await);
    }

    /// Bytes and versions of a repository by all of its rows.
    async fn look(&mut self, repo: i64) -> (u64, u64) {
        let mut rows = self
            .metadata
            .sql
            .rows(FILES, &[repo.into()])
            .await
            .expect("rows");
        let mut bytes: BTreeMap<Box<str>, u64> = BTreeMap::new();
        let mut versions: BTreeSet<Place> = BTreeSet::new();
        let mut blobs = BTreeMap::new();
        for row in &mut rows {
            let (package, kind) = (row.text(0).expect("package"), row.text(1).expect("kind"));
            let (path, version) = (row.text(2).expect("path"), row.text(3).expect("version"));
            let (digest, size) = (row.text(4).expect("digest"), row.count(5).expect("size"));
            let named = row.int(6).expect("named") != 0;
            match &*kind {
                "tag" if version.is_empty() => {
                    versions.insert((package.clone(), path));
                    continue;
                }
                "tag" => continue,
                "blob" => {
                    blobs.insert((package.clone(), digest.clone()), (named, size));
                    continue;
                }
                _ if !version.is_empty() => {
                    versions.insert((package, version));
                }
                _ => {}
            }
            bytes.insert(digest, size);
        }
        if repo == self.images.repo.id {
            let came = blobs.keys().filter(|place| !self.blobs.contains(*place));
            self.fresh.extend(came.cloned());
            self.fresh
                .retain(|place| blobs.get(place).is_some_and(|(named, _)| !named));
            self.blobs = blobs.keys().cloned().collect();
        }
        for (place, (named, size)) in blobs {
            if named || self.fresh.contains(&place) {
                bytes.insert(place.1, size);
            }
        }
        (bytes.values().sum(), versions.len() as u64)
    }

    async fn check(&mut self, step: usize) {
        let mut all = (0, 0);
        for repo in [self.images.repo.clone(), self.packages.repo.clone()] {
            let found = self.look(repo.id).await;
            let used = usage(self.metadata, &repo).await;
            assert_eq!((used.bytes, used.versions), found, "step {step}");
            let own = "select bytes, versions, open from quotas where repo = ?1";
            let mut rows = self
                .metadata
                .sql
                .rows(own, &[repo.id.into()])
                .await
                .expect("own");
            let mut count = |column| rows[0].count(column).expect("count");
            assert_eq!(
                (count(0), count(1), count(2)),
                (found.0, found.1, 0),
                "step {step}"
            );
            all = (all.0 + found.0, all.1 + found.1);
        }
        let shared = shared(self.metadata, self.shared).await;
        assert_eq!((shared.bytes, shared.versions), all, "step {step}");
    }
}

/// What cannot be done now is not done.
fn unless_unmet<T>(outcome: Result<T, Error>) {
    match outcome {
        Ok(_) | Err(Error::Unmet(_)) => {}
        Err(error) => panic!("{error}"),
    }
}

async fn add(metadata: &Metadata, protocol: ProtocolName, name: &str) -> crate::repos::RepoRecord {
    let new = NewRepo {
        protocol,
        name: &name.parse().expect("name"),
        kind: RepoKind::Hosted,
        description: "",
        settings: &RepoSettings {
            quota: PLENTY,
            ..RepoSettings::default()
        },
        members: &[],
    };
    metadata.add_repo(new, &ALICE).await.expect("repository")
}

async fn counts_are_what_is_there_after_random_changes(metadata: &Metadata) {
    for seed in 1..=3 {
        let prefix = name(metadata);
        let images = add(metadata, ProtocolName::OCI, &format!("{prefix}-a")).await;
        let pattern = format!("*/{prefix}-*").parse().expect("pattern");
        let shared_id = metadata.add_quota(&pattern, PLENTY, &ALICE).await;
        let packages = add(metadata, NPM, &format!("{prefix}-b")).await;
        let bed = |repo| Bed { metadata, repo };
        let mut world = World {
            metadata,
            images: bed(images),
            packages: bed(packages),
            seed,
            blobs: BTreeSet::new(),
            fresh: BTreeSet::new(),
            shared: shared_id.expect("quota"),
        };
        for step in 0..STEPS {
            world.step().await;
            world.check(step).await;
            if step == STEPS / 2 {
                // Counted anew, from what is there.
                let quota = shared(metadata, world.shared).await;
                metadata.drop_quota(&quota, &ALICE).await.expect("drop");
                for repo in [&world.images.repo, &world.packages.repo] {
                    limit(metadata, repo, QuotaLimits::default()).await;
                }
                let added = metadata.add_quota(&pattern, PLENTY, &ALICE).await;
                world.shared = added.expect("quota");
                for repo in [&world.images.repo, &world.packages.repo] {
                    limit(metadata, repo, PLENTY).await;
                }
                world.fresh.clear();
                world.check(step).await;
            }
        }
        let dropped = metadata.drop_repo(world.images.repo.id, true, &ALICE).await;
        dropped.expect("drop");
        let left = world.look(world.packages.repo.id).await;
        let quota = shared(metadata, world.shared).await;
        assert_eq!((quota.bytes, quota.versions), left);
        metadata.drop_quota(&quota, &ALICE).await.expect("drop");
    }
}
