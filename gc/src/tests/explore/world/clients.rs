//! What clients do.

use super::{Mutation, SIZE, WAITS, World, digest};
use larder_metadata::blobs::{Bytestore, NewBlob, Putting};
use larder_metadata::files::PackageKey;
use larder_metadata::manifests::{Expect, NewManifest};
use larder_metadata::{Error, Requirement};
use larder_model::{FileKind, System, Timestamp};

impl World {
    pub(super) fn stage(&mut self, image: usize) -> String {
        if self.uploading[image].is_none() {
            let generation = self.metadata.new_id();
            self.store.insert(generation);
            self.made += 1;
            self.uploading[image] = Some(generation);
        }
        format!("an object for image {image} is durable")
    }

    /// As a server does it: a blob that is kept gets a name; else a new object gets a row, and is
    /// removed if another was faster.
    pub(super) async fn upload(&mut self, image: usize) -> String {
        let name = self.name(image);
        let putting = Putting {
            package: PackageKey {
                repo: self.repo,
                package: &name,
            },
            by: &System::Larder,
        };
        if self.uploading[image].is_none() {
            match self.metadata.take_blob(putting, &self.blob, None).await {
                Ok(()) => {
                    self.promise(image);
                    return format!("image {image} gets a blob that is kept");
                }
                Err(Error::Unmet(Requirement::Blob)) => {}
                Err(error) => panic!("{error}"),
            }
            self.stage(image);
        }
        let generation = self.uploading[image].take().expect("staged");
        let new = NewBlob {
            digest: self.blob,
            size: SIZE,
            bytes: Bytestore::Object(generation),
        };
        let kept = self.metadata.keep_blob(putting, new, None).await;
        kept.expect("keep");
        let known = self.metadata.generation(&self.blob).await.expect("row");
        if known != Some(generation) {
            self.store.remove(&generation);
            self.doubles += 1;
            self.count("an object twice");
        }
        self.promise(image);
        format!("image {image} gets a new blob")
    }

    /// A client was told that the blob is there.
    pub(super) fn promise(&mut self, image: usize) {
        self.promised[image] = self.moment().after(WAITS.lease);
    }

    pub(super) async fn head(&mut self, image: usize) -> String {
        let (name, path) = (self.name(image), self.blob.to_string());
        let package = PackageKey {
            repo: self.repo,
            package: &name,
        };
        let found = self.metadata.stat(package.file(FileKind::Blob, &path));
        let Some(found) = found.await.expect("stat") else {
            return format!("image {image} has no blob");
        };
        if !self.is(Mutation::Promise) {
            let lease = (found.checked_at, WAITS.lease);
            match self.metadata.promise_blob(package, &self.blob, lease).await {
                Ok(true) => self.count("promised"),
                Ok(false) => {}
                Err(Error::Unmet(Requirement::Blob)) => {
                    return format!("image {image} has no blob any more");
                }
                Err(error) => panic!("{error}"),
            }
        }
        self.promise(image);
        format!("image {image} has the blob")
    }

    pub(super) async fn push(&mut self, image: usize) -> String {
        let name = self.name(image);
        let text = format!("manifest {name}");
        let promised = self.promised[image] > self.moment();
        let new = NewManifest {
            putting: Putting {
                package: PackageKey {
                    repo: self.repo,
                    package: &name,
                },
                by: &System::Larder,
            },
            full_name: &format!("oci/team/{name}"),
            blob: NewBlob::inline(digest(&text), text.clone().into()),
            content_type: "application/manifest",
            metadata: "",
            blobs: &[self.blob],
            absent: &[],
            manifests: &[],
            subject: None,
            tags: &[],
            expect: Expect::Any,
        };
        match self.metadata.keep_manifest(new).await {
            Ok(()) => {
                self.count("pushed");
                format!("image {image} gets a manifest")
            }
            Err(Error::Unmet(Requirement::Blob)) => {
                self.count("refused");
                if promised {
                    let broken = format!("image {image} was promised the blob");
                    self.broken = Some(broken);
                }
                format!("image {image} gets no manifest")
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) async fn drop_manifest(&mut self, image: usize) -> String {
        let name = self.name(image);
        let package = PackageKey {
            repo: self.repo,
            package: &name,
        };
        let manifest = digest(&format!("manifest {name}"));
        let by = &System::Larder;
        match self.metadata.drop_manifest(package, &manifest, by).await {
            Ok(()) => format!("image {image} loses its manifest"),
            Err(Error::Unmet(_)) => format!("image {image} has no manifest to lose"),
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) async fn mount(&mut self, image: usize) -> String {
        let (to, from) = (self.name(image), self.name(1 - image));
        let key = |package| PackageKey {
            repo: self.repo,
            package,
        };
        let putting = Putting {
            package: key(&to),
            by: &System::Larder,
        };
        match self.metadata.mount(putting, key(&from), &self.blob).await {
            Ok(()) => {
                self.count("mounted");
                self.promise(image);
                format!("image {image} mounts the blob")
            }
            Err(Error::Unmet(_)) => format!("image {image} has nothing to mount"),
            Err(error) => panic!("{error}"),
        }
    }

    /// A client removes the blob's name from an image without a manifest.
    pub(super) async fn drop_blob(&mut self, image: usize) -> String {
        let name = self.name(image);
        let package = PackageKey {
            repo: self.repo,
            package: &name,
        };
        let used = self.metadata.used_by(package, &self.blob).await;
        if used.expect("look").is_some() {
            return format!("a manifest of image {image} needs the blob");
        }
        let by = &System::Larder;
        match self
            .metadata
            .drop_blob(package, &self.blob, false, by)
            .await
        {
            Ok(()) => {
                self.promised[image] = Timestamp(0);
                format!("image {image} loses its blob")
            }
            Err(Error::Unmet(_)) => format!("image {image} has no blob to lose"),
            Err(error) => panic!("{error}"),
        }
    }
}
